package resure.bench;

import java.util.Formatter;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Microseconds against observations, both axes logarithmic, as an SVG that stands by itself: its
 * own background, so that it can be read on light and dark pages.
 */
final class CrossoverPlot {

  /** One measurement; both positive. */
  record Point(double observations, double micros) {}

  /**
   * One polyline.
   *
   * @param colour index of its colour; lines of one backend share it
   * @param dashed tells lines of one colour apart
   * @param points in ascending order, at least one
   */
  record Line(String label, int colour, boolean dashed, List<Point> points) {}

  private static final int WIDTH = 840;
  private static final int HEIGHT = 480;
  private static final int LEFT = 100;
  private static final int RIGHT = 620;
  private static final int TOP = 50;
  private static final int BOTTOM = 420;

  /** Told apart by people who do not see all colours, too (Okabe and Ito). */
  private static final List<String> COLOURS = List.of("#0072b2", "#d55e00", "#009e73", "#cc79a7");

  private final String title;
  private final List<Line> lines;
  private final int firstDecadeX;
  private final int lastDecadeX;
  private final int firstDecadeY;
  private final int lastDecadeY;

  /** A plot of at least one line. */
  CrossoverPlot(String title, List<Line> lines) {
    this.title = title;
    this.lines = List.copyOf(lines);
    var x = points().mapToDouble(p -> Math.log10(p.observations())).summaryStatistics();
    var y = points().mapToDouble(p -> Math.log10(p.micros())).summaryStatistics();
    firstDecadeX = (int) Math.floor(x.getMin());
    lastDecadeX = Math.max(firstDecadeX + 1, (int) Math.ceil(x.getMax()));
    firstDecadeY = (int) Math.floor(y.getMin());
    lastDecadeY = Math.max(firstDecadeY + 1, (int) Math.ceil(y.getMax()));
  }

  private Stream<Point> points() {
    return lines.stream().flatMap(line -> line.points().stream());
  }

  private double x(double observations) {
    double share = (Math.log10(observations) - firstDecadeX) / (lastDecadeX - firstDecadeX);
    return LEFT + share * (RIGHT - LEFT);
  }

  private double y(double micros) {
    double share = (Math.log10(micros) - firstDecadeY) / (lastDecadeY - firstDecadeY);
    return BOTTOM - share * (BOTTOM - TOP);
  }

  /** The document. */
  @Override
  public String toString() {
    Formatter svg = new Formatter(Locale.ROOT);
    svg.format(
        "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 %d %d' width='%d' height='%d'"
            + " font-family='sans-serif' font-size='13' fill='#1a1a1a' role='img'>%n",
        WIDTH, HEIGHT, WIDTH, HEIGHT);
    svg.format("<title>%s</title>%n", escaped(title));
    svg.format("<rect width='%d' height='%d' fill='#ffffff'/>%n", WIDTH, HEIGHT);
    text(svg, (LEFT + RIGHT) / 2.0, 30, "middle", "font-size='16' font-weight='bold'", title);
    axes(svg);
    for (int i = 0; i < lines.size(); i++) {
      line(svg, lines.get(i), TOP + 12 + 24 * i);
    }
    return svg.format("</svg>%n").toString();
  }

  private void axes(Formatter svg) {
    for (int decade = firstDecadeX; decade <= lastDecadeX; decade++) {
      double x = x(Math.pow(10, decade));
      svg.format("<path d='M%.1f %d V%d' stroke='#d9d9d9'/>%n", x, TOP, BOTTOM);
      text(svg, x, BOTTOM + 20, "middle", "", number(decade));
    }
    for (int decade = firstDecadeY; decade <= lastDecadeY; decade++) {
      double y = y(Math.pow(10, decade));
      svg.format("<path d='M%d %.1f H%d' stroke='#d9d9d9'/>%n", LEFT, y, RIGHT);
      text(svg, LEFT - 8, y + 4, "end", "", number(decade));
    }
    svg.format(
        "<path d='M%d %d V%d H%d' stroke='#1a1a1a' fill='none'/>%n", LEFT, TOP, BOTTOM, RIGHT);
    text(svg, (LEFT + RIGHT) / 2.0, BOTTOM + 45, "middle", "", "observations in the group");
    double middle = (TOP + BOTTOM) / 2.0;
    text(
        svg,
        18,
        middle,
        "middle",
        String.format(Locale.ROOT, "transform='rotate(-90 18 %.1f)'", middle),
        "time of one group (microseconds)");
  }

  private void line(Formatter svg, Line line, int legendY) {
    String colour = COLOURS.get(line.colour() % COLOURS.size());
    String stroke =
        "stroke='"
            + colour
            + "' stroke-width='2'"
            + (line.dashed() ? " stroke-dasharray='7 4'" : "");
    String points =
        line.points().stream()
            .map(p -> String.format(Locale.ROOT, "%.1f,%.1f", x(p.observations()), y(p.micros())))
            .collect(Collectors.joining(" "));
    svg.format("<polyline points='%s' fill='none' %s/>%n", points, stroke);
    for (Point point : line.points()) {
      svg.format(
          "<circle cx='%.1f' cy='%.1f' r='3' fill='%s'/>%n",
          x(point.observations()), y(point.micros()), colour);
    }
    svg.format("<path d='M%d %d h30' %s/>%n", RIGHT + 20, legendY, stroke);
    text(svg, RIGHT + 58, legendY + 4, "start", "", line.label());
  }

  private static String number(int decade) {
    return decade < 0
        ? String.format(Locale.ROOT, "%." + -decade + "f", Math.pow(10, decade))
        : String.format(Locale.ROOT, "%,.0f", Math.pow(10, decade));
  }

  private static void text(
      Formatter svg, double x, double y, String anchor, String attributes, String content) {
    svg.format(
        "<text x='%.1f' y='%.1f' text-anchor='%s' %s>%s</text>%n",
        x, y, anchor, attributes, escaped(content));
  }

  private static String escaped(String text) {
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;");
  }
}
