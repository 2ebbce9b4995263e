package resure.bench;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayInputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import javax.xml.parsers.DocumentBuilderFactory;
import org.junit.jupiter.api.Test;
import org.w3c.dom.Element;
import org.w3c.dom.NodeList;

class CrossoverPlotTest {

  private static final List<CrossoverPlot.Line> LINES =
      List.of(
          new CrossoverPlot.Line("a < b & c", 0, false, points(1, 0.5, 1000, 200)),
          new CrossoverPlot.Line("second", 1, true, points(1, 900, 1000, 1100)));

  @Test
  void itIsWellFormedWithALineAndALegendForEachBackend() throws Exception {
    Element svg = parse(new CrossoverPlot("time & size", LINES));

    assertThat(texts(svg))
        .contains("time & size", "a < b & c", "second", "observations in the group");
    assertThat(texts(svg)).anyMatch(text -> text.contains("microseconds"));
    assertThat(svg.getElementsByTagName("polyline").getLength()).isEqualTo(2);
    assertThat(((Element) svg.getElementsByTagName("rect").item(0)).getAttribute("fill"))
        .as("background of its own")
        .isEqualTo("#ffffff");
  }

  @Test
  void bothAxesAreLogarithmicOverWholeDecades() throws Exception {
    Element svg = parse(new CrossoverPlot("t", LINES));

    // x: 10^0 to 10^3 is 100 to 620; y: 10^-1 to 10^4 is 420 up to 50.
    assertThat(polyline(svg, 0)).isEqualTo("100.0,368.3 620.0,175.7");
    assertThat(texts(svg)).contains("0.1", "1", "1,000", "10,000").doesNotContain("100,000");
  }

  @Test
  void aSinglePointIsDrawnToo() throws Exception {
    Element svg =
        parse(
            new CrossoverPlot(
                "t", List.of(new CrossoverPlot.Line("one", 0, false, points(10, 100)))));

    assertThat(polyline(svg, 0)).isEqualTo("100.0,420.0");
  }

  private static List<CrossoverPlot.Point> points(double... pairs) {
    List<CrossoverPlot.Point> points = new ArrayList<>();
    for (int i = 0; i < pairs.length; i += 2) {
      points.add(new CrossoverPlot.Point(pairs[i], pairs[i + 1]));
    }
    return points;
  }

  private static String polyline(Element svg, int index) {
    return ((Element) svg.getElementsByTagName("polyline").item(index)).getAttribute("points");
  }

  private static List<String> texts(Element svg) {
    NodeList found = svg.getElementsByTagName("text");
    List<String> texts = new ArrayList<>();
    for (int i = 0; i < found.getLength(); i++) {
      texts.add(found.item(i).getTextContent());
    }
    return texts;
  }

  private static Element parse(CrossoverPlot plot) throws Exception {
    return DocumentBuilderFactory.newInstance()
        .newDocumentBuilder()
        .parse(new ByteArrayInputStream(plot.toString().getBytes(StandardCharsets.UTF_8)))
        .getDocumentElement();
  }
}
