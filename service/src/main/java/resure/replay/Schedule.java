package resure.replay;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import resure.weighting.Configuration;

/**
 * Which configurations are tried in the same pass over the recorded batches: those that fold alike
 * together, as many as the budget lets be kept at a time. Immutable.
 *
 * @param passes each a list of fold classes, each a list of warm-ups, each a list of indices
 */
record Schedule(List<List<List<List<Integer>>>> passes) {

  /** What fits in the budget; a pass has one configuration at least. */
  static Schedule of(
      List<Configuration> configurations, Survey survey, long bytes, boolean binned) {
    List<List<List<List<Integer>>>> passes = new ArrayList<>();
    List<List<List<Integer>>> pass = null;
    long used = 0;
    for (Map<Integer, List<Integer>> foldAlike : foldAlike(configurations).values()) {
      List<List<Integer>> fold = null;
      for (List<Integer> warmUpAlike : foldAlike.values()) {
        List<Integer> warmUp = null;
        if (fold != null && fold.size() == FoldClass.MOST_WARM_UPS) {
          fold = null;
        }
        for (int index : warmUpAlike) {
          long member =
              Budget.ofMember(
                  survey.slots(configurations.get(index)), survey.sources().size(), binned);
          long more =
              (fold == null ? Budget.ofFold(survey) : 0)
                  + (warmUp == null ? Budget.ofWarmUp(survey) : 0);
          if (pass == null || used + more + member > bytes) {
            pass = new ArrayList<>();
            passes.add(pass);
            used = 0;
            more = Budget.ofFold(survey) + Budget.ofWarmUp(survey);
            fold = null;
            warmUp = null;
          }
          used += more + member;
          if (fold == null) {
            fold = new ArrayList<>();
            pass.add(fold);
          }
          if (warmUp == null) {
            warmUp = new ArrayList<>();
            fold.add(warmUp);
          }
          warmUp.add(index);
        }
      }
    }
    return new Schedule(passes);
  }

  /** How many sets of columns the folding of one class fills at a time, at most. */
  static int columnsOfAFold(List<Configuration> configurations) {
    int most = foldAlike(configurations).values().stream().mapToInt(Map::size).max().orElse(0);
    return Math.min(most, FoldClass.MOST_WARM_UPS);
  }

  /** Indices by what decides the folding, then by warm-up. */
  private static Map<FoldClass.Key, Map<Integer, List<Integer>>> foldAlike(
      List<Configuration> configurations) {
    Map<FoldClass.Key, Map<Integer, List<Integer>>> classes = new LinkedHashMap<>();
    for (int i = 0; i < configurations.size(); i++) {
      Configuration configuration = configurations.get(i);
      classes
          .computeIfAbsent(FoldClass.Key.of(configuration), key -> new TreeMap<>())
          .computeIfAbsent(configuration.warmUp(), warmUp -> new ArrayList<>())
          .add(i);
    }
    return classes;
  }
}
