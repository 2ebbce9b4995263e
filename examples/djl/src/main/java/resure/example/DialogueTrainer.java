package resure.example;

import ai.djl.MalformedModelException;
import ai.djl.Model;
import ai.djl.engine.Engine;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Block;
import ai.djl.nn.LambdaBlock;
import ai.djl.nn.SequentialBlock;
import ai.djl.nn.core.Linear;
import ai.djl.nn.recurrent.GRU;
import ai.djl.training.DefaultTrainingConfig;
import ai.djl.training.GradientCollector;
import ai.djl.training.Trainer;
import ai.djl.training.loss.Loss;
import ai.djl.training.optimizer.Optimizer;
import ai.djl.training.tracker.Tracker;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.Locale;
import java.util.UUID;
import java.util.function.Consumer;
import resure.client.Batch;
import resure.client.BatchBuilder;
import resure.client.Counts;
import resure.client.Mode;
import resure.client.ResureClient;
import resure.client.TrainingRun;
import resure.client.Weighed;
import resure.client.Weights;

/**
 * Trains a small language model on made-up dialogues, a fifth of which answer at random. The losses
 * of each step's turns go to the service, and are multiplied by the weights that come back before
 * the backward pass: {@link #step} is what a trainer of yours would take over.
 */
final class DialogueTrainer implements AutoCloseable {

  private static final int DIALOGUES = 16;
  private static final int CHECKPOINT_STEPS = 20;

  /**
   * What to train and how.
   *
   * @param service where it listens
   * @param run its name there
   * @param mode who weighs
   * @param steps optimizer steps in all, those before the checkpoint included
   * @param checkpoints directory that they are in
   */
  record Options(URI service, String run, Mode mode, long steps, Path checkpoints) {}

  /**
   * One step, for whoever watches; the mean weight of noisy dialogues is NaN where there is none.
   */
  record Step(long step, Batch batch, Weighed weighed, double meanLoss, double noisyWeight) {}

  private final Options options;
  private final Model model;
  private final Trainer trainer;
  private final Block network;

  DialogueTrainer(Options options) {
    this.options = options;
    // The libraries come with this program, and its tensors are too small to be worth two threads.
    System.setProperty("ai.djl.offline", "true");
    System.setProperty("ai.djl.pytorch.num_threads", "1");
    network =
        new SequentialBlock()
            .add(
                new LambdaBlock(
                    tokens -> new NDList(tokens.singletonOrThrow().oneHot(Dialogue.VOCABULARY)),
                    "one-hot"))
            .add(Linear.builder().setUnits(32).optBias(false).build())
            .add(GRU.builder().setStateSize(64).setNumLayers(1).optBatchFirst(true).build())
            .add(Linear.builder().setUnits(Dialogue.VOCABULARY).build());
    model = Model.newInstance("dialogue", "PyTorch");
    model.setBlock(network);
    trainer =
        model.newTrainer(
            new DefaultTrainingConfig(Loss.l2Loss()) // not used: the loss is made in step
                .optOptimizer(
                    Optimizer.adam().optLearningRateTracker(Tracker.fixed(1e-2f)).build()));
    trainer.initialize(new Shape(DIALOGUES, Dialogue.LENGTH - 1));
  }

  /** Trains from the newest checkpoint, if there is one, to the last step. */
  Counts train(Consumer<Step> listener) throws IOException {
    try (ResureClient client = ResureClient.builder().address(options.service()).build();
        // Every start of a trainer is an attempt: your scheduler's job id would do.
        TrainingRun training =
            client
                .training(options.run())
                .mode(options.mode())
                .attempt(UUID.randomUUID().toString())
                .deadline(Duration.ofMillis(500))
                .open()) {
      long step = resume();
      training.rewind(step);
      for (; step < options.steps(); step++) {
        step(step, training, listener);
        if ((step + 1) % CHECKPOINT_STEPS == 0) {
          save(step + 1);
        }
      }
      training.close(Duration.ofSeconds(30));
      return training.counts();
    }
  }

  private void step(long step, TrainingRun training, Consumer<Step> listener) {
    try (NDManager manager = trainer.getManager().newSubManager()) {
      Dialogue[] dialogues = new Dialogue[DIALOGUES];
      for (int d = 0; d < DIALOGUES; d++) {
        dialogues[d] = Dialogue.of(step * DIALOGUES + d);
      }
      NDArray tokens = tokens(manager, dialogues);
      try (GradientCollector collector = Engine.getInstance().newGradientCollector()) {
        NDArray turnLosses = turnLosses(tokens);
        float[] losses = turnLosses.toFloatArray();
        Batch batch = batch(step, dialogues, losses);
        Weighed weighed = training.weigh(batch);
        NDArray weights = manager.create(weighed.weights().toFloatArray(), turnLosses.getShape());
        // Weight 0 is an unusable loss; 0 times NaN is NaN, so such a turn is left out.
        NDArray used = weights.gt(0);
        NDArray loss =
            turnLosses.booleanMask(used).mul(weights.booleanMask(used)).sum().div(losses.length);
        collector.backward(loss);
        listener.accept(
            new Step(
                step,
                batch,
                weighed,
                turnLosses.mean().getFloat(),
                noisyWeight(dialogues, weighed.weights())));
      }
      trainer.step();
    }
  }

  private static NDArray tokens(NDManager manager, Dialogue[] dialogues) {
    int[] column = new int[DIALOGUES * Dialogue.LENGTH];
    for (int d = 0; d < DIALOGUES; d++) {
      System.arraycopy(dialogues[d].tokens(), 0, column, d * Dialogue.LENGTH, Dialogue.LENGTH);
    }
    return manager.create(column, new Shape(DIALOGUES, Dialogue.LENGTH));
  }

  /** Mean negative log-likelihood of each answer's tokens: a row a dialogue, a column a turn. */
  private NDArray turnLosses(NDArray tokens) {
    NDArray logits =
        trainer.forward(new NDList(tokens.get(":, :-1"))).singletonOrThrow().logSoftmax(-1);
    NDArray next = tokens.get(":, 1:").oneHot(Dialogue.VOCABULARY, DataType.FLOAT32);
    NDArray tokenLosses = logits.mul(next).sum(new int[] {-1}).neg();
    // Before each answer stands its question; the first one is not predicted.
    NDArray padded =
        tokenLosses
            .getManager()
            .zeros(new Shape(DIALOGUES, 1))
            .concat(tokenLosses, 1)
            .reshape(DIALOGUES, Dialogue.TURNS, 1 + Dialogue.ANSWER);
    return padded.get(":, :, 1:").mean(new int[] {2});
  }

  private static Batch batch(long step, Dialogue[] dialogues, float[] losses) {
    BatchBuilder batch = Batch.builder().step(step);
    for (int d = 0; d < dialogues.length; d++) {
      batch.dialogue(dialogues[d].id()).source(dialogues[d].source());
      for (int turn = 0; turn < Dialogue.TURNS; turn++) {
        batch.loss(losses[d * Dialogue.TURNS + turn], Dialogue.ANSWER);
      }
    }
    return batch.build();
  }

  /** Steps completed at the newest checkpoint, whose parameters are loaded; 0 without one. */
  private long resume() throws IOException {
    Path newest = options.checkpoints().resolve("newest");
    if (!Files.exists(newest)) {
      return 0;
    }
    long step = Long.parseLong(Files.readString(newest).strip());
    try (var in =
        new DataInputStream(Files.newInputStream(options.checkpoints().resolve("step-" + step)))) {
      network.loadParameters(model.getNDManager(), in);
    } catch (MalformedModelException e) {
      throw new IOException(e);
    }
    return step;
  }

  private void save(long step) throws IOException {
    Files.createDirectories(options.checkpoints());
    try (var out =
        new DataOutputStream(
            Files.newOutputStream(options.checkpoints().resolve("step-" + step)))) {
      network.saveParameters(out);
    }
    Path written = Files.writeString(options.checkpoints().resolve("newest.new"), "" + step);
    Files.move(
        written,
        options.checkpoints().resolve("newest"),
        StandardCopyOption.ATOMIC_MOVE,
        StandardCopyOption.REPLACE_EXISTING);
  }

  @Override
  public void close() {
    trainer.close();
    model.close();
  }

  /** {@code [ADDRESS [RUN [STEPS [remote|local]]]]}. */
  public static void main(String[] arguments) throws IOException {
    Options options =
        new Options(
            URI.create(arguments.length > 0 ? arguments[0] : "http://127.0.0.1:8080"),
            arguments.length > 1 ? arguments[1] : "djl",
            arguments.length > 3
                ? Mode.valueOf(arguments[3].toUpperCase(Locale.ROOT))
                : Mode.REMOTE,
            arguments.length > 2 ? Long.parseLong(arguments[2]) : 400,
            Path.of("checkpoints-" + (arguments.length > 1 ? arguments[1] : "djl")));
    try (DialogueTrainer trainer = new DialogueTrainer(options)) {
      Counts counts =
          trainer.train(
              step -> {
                if (step.step() % 20 == 0) {
                  System.out.printf(
                      "step %d: loss %.3f, mean weight %.3f by %s, of noisy dialogues %.3f%n",
                      step.step(),
                      step.meanLoss(),
                      step.weighed().meanWeight(),
                      step.weighed().by(),
                      step.noisyWeight());
                }
              });
      System.out.println(counts);
    }
  }

  private static double noisyWeight(Dialogue[] dialogues, Weights weights) {
    double sum = 0;
    int turns = 0;
    for (int d = 0; d < dialogues.length; d++) {
      if (dialogues[d].source().equals("noisy")) {
        for (int i = weights.from(d); i < weights.from(d + 1); i++, turns++) {
          sum += weights.weight(i);
        }
      }
    }
    return sum / turns;
  }
}
