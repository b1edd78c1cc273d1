using System.Text.Json.Nodes;
using Xunit;

namespace Workbook.Notebook.Tests;

/// <summary>Questions, exercises, and charts that a hand moves.</summary>
[Collection(OneNotebook.Name)]
public class TeachingTests
{
    private static string? NotEven(double answer) => answer % 2 == 0 ? null : $"{answer} is odd";

    private static string Words(IShowable value) => value.ToBundle()["text/plain"];

    [Fact]
    public void A_blank_is_not_answered_yet_and_an_answer_is_judged_in_one_line()
    {
        Assert.StartsWith("[not answered yet] even: ", Words(Exercise.Check("even", (double?)null, NotEven)), StringComparison.Ordinal);
        Assert.StartsWith("[not answered yet] text: ", Words(Exercise.Check("text", (string?)null, _ => null)), StringComparison.Ordinal);
        Assert.StartsWith("[right] even: ", Words(Exercise.Check("even", (double?)4, NotEven)), StringComparison.Ordinal);
        Assert.Equal("[wrong] even: 3 is odd", Words(Exercise.Check("even", (double?)3, NotEven)));
    }

    [Fact]
    public void An_answer_that_throws_is_wrong_and_ends_nothing()
    {
        Exercise thrown = Exercise.Check("fold", (Func<int>)(() => throw new InvalidOperationException("no such shape\nmore <lines>")), f => $"{f()}");
        Assert.Equal("[wrong] fold: it can't be checked: no such shape", Words(thrown));
        Assert.False(thrown.IsRight);
    }

    [Fact]
    public void A_wrong_answers_words_are_text_and_no_markup() =>
        Assert.Contains("&lt;b&gt;", Exercise.Check("<b>", "x", _ => "<b>").ToHtml(), StringComparison.Ordinal);

    [Fact]
    public void An_answer_names_the_choice_that_is_nearest_to_what_was_measured()
    {
        Assert.Equal("[answer] at 95 %: 79.00 ± 1.41 %, nearest to 78 of 96, 90, 78, 50", Words(Answer.Nearest("at 95 %", [78, 80], "%", 96, 90, 78, 50)));
        Assert.Equal("[answer] size: 0.003 ± 0.00141 times, nearest to 0.003 of 1, 0.003", Words(Answer.Nearest("size", [0.002, 0.004], "times", 1, 0.003)));
        Assert.Contains("no number here", Words(Answer.Nearest("at 95 %", [double.NaN], "%", 96)), StringComparison.Ordinal);
        Assert.Throws<WorkbookException>(() => Answer.Nearest("at 95 %", [1], "%"));
    }

    [Fact]
    public void A_slider_shows_one_figure_and_hides_the_others()
    {
        Figure[] places = [.. new[] { 1.0, 2, 3 }.Select(at => Draw.Lines("t", "x", "y", [new("a", [0, 1], [[at, at]])], reference: [at]))];
        JsonNode json = Json(Draw.Slider("t", "at", places.Select((figure, i) => ($"{i}", figure)), first: 1));
        bool[] visible = [false, false, true, true, false, false];

        Assert.Equal(visible, json["data"]!.AsArray().Select(trace => (bool)trace!["visible"]!));
        JsonNode slider = json["layout"]!["sliders"]![0]!;
        Assert.Equal(1, (int)slider["active"]!);
        Assert.Equal(visible, slider["steps"]![1]!["args"]![0]!["visible"]!.AsArray().Select(v => (bool)v!));
        Assert.Equal(["0", "1", "2"], slider["steps"]!.AsArray().Select(step => (string)step!["label"]!));
        Assert.Equal("true", Traces(places[0])[0]!["visible"]?.ToJsonString() ?? "true");
    }

    [Fact]
    public void Lines_across_a_chart_move_with_its_slider()
    {
        using TorchSharp.torch.Tensor values = TorchSharp.torch.arange(10f);
        JsonNode json = Json(Draw.Slider("t", "threshold", new[] { 2.0, 5 }.Select(at => ($"{at}", Draw.Histogram("t", "x", values, thresholds: [at])))));
        Assert.Equal(2, (double)json["layout"]!["shapes"]![0]!["x0"]!);
        Assert.Equal(5, (double)json["layout"]!["sliders"]![0]!["steps"]![1]!["args"]![1]!["shapes"]![0]!["x0"]!);
    }

    [Fact]
    public void A_menu_keeps_the_buttons_for_scales_and_a_choice_needs_two_figures()
    {
        Figure figure = Draw.Lines("t", "x", "y", [new("a", [1, 10], [[1, 2]])], logX: true).WithScales();
        JsonNode layout = Json(Draw.Menu("t", [("mean", figure), ("seed 0", figure)]))["layout"]!;
        Assert.Equal(2, layout["updatemenus"]!.AsArray().Count);
        Assert.Equal(1, (int)layout["updatemenus"]![0]!["active"]!);
        Assert.Equal("log", (string?)layout["updatemenus"]![0]!["buttons"]![1]!["args"]![0]!["xaxis.type"]);
        Assert.Throws<WorkbookException>(() => Draw.Menu("t", [("mean", figure)]));
        Assert.Throws<WorkbookException>(() => Draw.Slider("t", "x", [("a", figure), ("b", figure)], first: 2));
    }

    [Fact]
    public void A_chart_seed_by_seed_has_the_mean_first_and_no_menu_for_one_seed()
    {
        Lab.Describe("mnist", "MNIST", seeds: [3, 7]);
        Series[] series = [new("a", [0, 1], [[1, 2], [3, 4]])];
        JsonNode json = Json(Draw.BySeed("t", series, some => Draw.Lines("t", "x", "y", some)));
        Assert.Equal(["2 seeds", "seed 3", "seed 7"], json["layout"]!["updatemenus"]![0]!["buttons"]!.AsArray().Select(b => (string)b!["label"]!));
        Assert.Equal([3, 4], json["data"]!.AsArray()[^1]!["y"]!.AsArray().Select(v => (double)v!));
        Lab.Describe("mnist", "MNIST", seeds: [3]);
        Assert.Null(Json(Draw.BySeed("t", [new("a", [0], [[1]])], some => Draw.Lines("t", "x", "y", some)))["layout"]!["updatemenus"]);
        Lab.Describe("");
    }

    [Fact]
    public void Two_charts_stand_below_each_other_with_axes_of_their_own()
    {
        Figure lines = Draw.Lines("t", "x", "y", [new("a", [0, 1], [[1, 2]])], height: 200);
        JsonNode json = Json(Draw.Stacked("both", lines, lines));
        Assert.Equal([null, "x2"], json["data"]!.AsArray().Select(trace => (string?)trace!["xaxis"]));
        double[] upper = Domain("yaxis"), lower = Domain("yaxis2");
        Assert.True(lower[1] < upper[0], "they lie on each other");
        Assert.Equal((0, 1), (lower[0], upper[1]));

        double[] Domain(string axis) => [.. json["layout"]![axis]!["domain"]!.AsArray().Select(v => (double)v!)];
    }

    private static JsonNode Json(Figure figure) => JsonNode.Parse(Plotly.NET.GenericChart.toFigureJson(figure.Chart))!;

    private static JsonArray Traces(Figure figure) => Json(figure)["data"]!.AsArray();
}
