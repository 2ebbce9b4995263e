-- What somebody who has a Redis would write instead of the service: one script, called with a run as its key and a
-- body, as the service takes it, as its argument.
--
-- The weights of the service's default configuration. A batch is weighed against all batches before it and folded at
-- once. The statistics are kept as Redis keeps its keys; nothing is known of steps, ranks, keys, dialogues and sources.

local WARM_UP, SLOTS, MAX_LOSS, FLOOR, CAP = 32, 64, 100, 0.05, 3

-- Of each turn: n, mean, M2.
local stored = redis.call('GET', KEYS[1])
local n, mean, m2 = {}, {}, {}
local slots = 0
if stored then
  slots = #stored / 24
  for slot = 1, slots do
    n[slot], mean[slot], m2[slot] = struct.unpack('<ddd', stored, 24 * slot - 23)
  end
end

local limit, cap = {}, {}
for slot = 1, slots do
  local sd = n[slot] > 1 and math.sqrt(m2[slot] / (n[slot] - 1)) or 0
  if n[slot] >= WARM_UP and sd > 1e-6 * math.max(1, math.abs(mean[slot])) then
    limit[slot] = mean[slot]
    cap[slot] = mean[slot] + CAP * sd
  end
end

local folded = {}
local rows = {}
for d, dialogue in ipairs(cjson.decode(ARGV[1]).dialogues) do
  local row = {}
  for turn, loss in ipairs(dialogue.losses) do
    local slot = math.min(turn, SLOTS)
    if loss == cjson.null then
      row[turn] = 'null'
    elseif not (math.abs(loss) <= MAX_LOSS) then
      row[turn] = '0'
    else
      if limit[slot] and loss > limit[slot] then
        row[turn] = string.format('%.17g', limit[slot] > 0 and math.max(FLOOR, limit[slot] / loss) or FLOOR)
      else
        row[turn] = '1'
      end
      local losses = folded[slot]
      if not losses then
        losses = {}
        folded[slot] = losses
      end
      losses[#losses + 1] = cap[slot] and math.min(loss, cap[slot]) or loss
    end
  end
  rows[d] = '[' .. table.concat(row, ',') .. ']'
end

for slot, losses in pairs(folded) do
  local sum = 0
  for _, loss in ipairs(losses) do
    sum = sum + loss
  end
  local batchMean, batchM2 = sum / #losses, 0
  for _, loss in ipairs(losses) do
    batchM2 = batchM2 + (loss - batchMean) * (loss - batchMean)
  end
  for empty = slots + 1, slot do
    n[empty], mean[empty], m2[empty] = 0, 0, 0
  end
  slots = math.max(slots, slot)
  local total = n[slot] + #losses
  local distance = batchMean - mean[slot]
  mean[slot] = mean[slot] + distance * #losses / total
  m2[slot] = m2[slot] + batchM2 + distance * distance * n[slot] * #losses / total
  n[slot] = total
end

local packed = {}
for slot = 1, slots do
  packed[slot] = struct.pack('<ddd', n[slot], mean[slot], m2[slot])
end
redis.call('SET', KEYS[1], table.concat(packed))
return '{"weights":[' .. table.concat(rows, ',') .. ']}'
