package resure.api;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.ByteArrayOutputStream;
import java.math.BigInteger;
import java.util.HexFormat;
import java.util.Map;
import java.util.Random;
import tools.jackson.databind.JsonNode;

/** Trees in CBOR, in any of the forms in which the same can be written, by chance. */
final class CborForms {

  private static final BigInteger TWO_TO_64 = BigInteger.TWO.pow(64);

  /** Items that are well-formed, and of which few may stand where anything may. */
  private static final String[] ODD = {
    "F4",
    "F5",
    "F6",
    "F7",
    "E0",
    "F3",
    "F820",
    "40",
    "4161",
    "5F41004100FF",
    "60",
    "6161",
    "80",
    "9FFF",
    "A0",
    "BFFF",
    "A100F6",
    "8101",
    "00",
    "20",
    "1BFFFFFFFFFFFFFFFF",
    "3BFFFFFFFFFFFFFFFF",
    "F97E00",
    "F97C00",
    "F93C00",
    "FB3FF0000000000000",
    "C241FF",
    "C249010000000000000000",
    "C349010000000000000000",
    "C2581E000000000000000000000000000000000000000000000000000000000000",
    "C48221196AB3",
    "C5822003",
    "C11A514B67B0",
    "D9D9F7F6",
    "DBFFFFFFFFFFFFFFFF00",
    "C0C0C06161"
  };

  private final Random random;
  private final ByteArrayOutputStream out = new ByteArrayOutputStream();
  private int rarity;

  CborForms(Random random) {
    this.random = random;
  }

  byte[] of(JsonNode tree) {
    return of(tree, 0);
  }

  /** The same, well-formed, but one item in {@code rarity} is tagged or another; 0 for none. */
  byte[] of(JsonNode tree, int rarity) {
    this.rarity = rarity;
    out.reset();
    write(tree);
    return out.toByteArray();
  }

  private void write(JsonNode node) {
    if (rarity > 0 && random.nextInt(rarity) == 0) {
      if (random.nextBoolean()) {
        out.writeBytes(HexFormat.of().parseHex(ODD[random.nextInt(ODD.length)]));
        return;
      }
      head(6, random.nextLong() >>> random.nextInt(64));
    }
    switch (node.getNodeType()) {
      case OBJECT -> {
        boolean indefinite = start(5, node.size());
        for (Map.Entry<String, JsonNode> field : node.properties()) {
          text(field.getKey());
          write(field.getValue());
        }
        end(indefinite);
      }
      case ARRAY -> {
        boolean indefinite = start(4, node.size());
        node.forEach(this::write);
        end(indefinite);
      }
      case STRING -> text(node.stringValue());
      case NUMBER -> {
        if (node.isIntegralNumber()) {
          integer(node.bigIntegerValue());
        } else {
          real(node.doubleValue());
        }
      }
      case BOOLEAN -> out.write(node.booleanValue() ? 0xF5 : 0xF4);
      default -> out.write(0xF6);
    }
  }

  private boolean start(int majorType, int size) {
    boolean indefinite = random.nextInt(3) == 0;
    if (indefinite) {
      out.write(majorType << 5 | 31);
    } else {
      head(majorType, size);
    }
    return indefinite;
  }

  private void end(boolean indefinite) {
    if (indefinite) {
      out.write(0xFF);
    }
  }

  /** In as few bytes as can be, or in more. */
  private void head(int majorType, long argument) {
    int least =
        argument < 0 || argument >= 1L << 32
            ? 8
            : argument >= 1 << 16 ? 4 : argument >= 1 << 8 ? 2 : argument >= 24 ? 1 : 0;
    int bytes = least;
    while (bytes < 8 && random.nextInt(8) == 0) {
      bytes = bytes == 0 ? 1 : 2 * bytes;
    }
    if (bytes == 0) {
      out.write((int) (majorType << 5 | argument));
      return;
    }
    out.write(majorType << 5 | 24 + Integer.numberOfTrailingZeros(bytes));
    for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8) {
      out.write((int) (argument >>> shift));
    }
  }

  private void integer(BigInteger value) {
    BigInteger argument = value.signum() < 0 ? value.not() : value;
    if (argument.compareTo(TWO_TO_64) >= 0) {
      real(value.doubleValue());
    } else {
      head(value.signum() < 0 ? 1 : 0, argument.longValue());
    }
  }

  private void real(double value) {
    float single = (float) value;
    short half = Float.floatToFloat16(single);
    int width = random.nextInt(3);
    if (width == 0 && Double.compare(Float.float16ToFloat(half), value) == 0) {
      bits(0xF9, half, 2);
    } else if (width < 2 && Double.compare(single, value) == 0) {
      bits(0xFA, Float.floatToIntBits(single), 4);
    } else {
      bits(0xFB, Double.doubleToLongBits(value), 8);
    }
  }

  private void bits(int initial, long bits, int bytes) {
    out.write(initial);
    for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8) {
      out.write((int) (bits >>> shift));
    }
  }

  private void text(String text) {
    if (random.nextInt(4) > 0) {
      part(text);
      return;
    }
    out.write(3 << 5 | 31);
    int at = 0;
    while (at < text.length()) {
      int end = text.offsetByCodePoints(at, 1);
      while (end < text.length() && random.nextInt(3) > 0) {
        end = text.offsetByCodePoints(end, 1);
      }
      part(text.substring(at, end));
      at = end;
    }
    out.write(0xFF);
  }

  private void part(String text) {
    byte[] utf8 = text.getBytes(UTF_8);
    head(3, utf8.length);
    out.writeBytes(utf8);
  }
}
