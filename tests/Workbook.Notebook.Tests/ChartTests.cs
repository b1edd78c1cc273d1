using System.Text.Json.Nodes;
using TorchSharp;
using Xunit;

namespace Workbook.Notebook.Tests;

[Collection(OneNotebook.Name)]
public class ChartTests
{
    private static JsonArray Traces(Figure figure) => JsonNode.Parse(Plotly.NET.GenericChart.toFigureJson(figure.Chart))!["data"]!.AsArray();

    private static JsonObject Layout(Figure figure) => JsonNode.Parse(Plotly.NET.GenericChart.toFigureJson(figure.Chart))!["layout"]!.AsObject();

    private static double[] Numbers(JsonNode? node) => [.. node!.AsArray().Select(v => v!.GetValue<double>())];

    [Fact]
    public void A_curve_has_a_mean_a_band_and_a_place_for_each_sparsity()
    {
        Figure figure = Draw.Sparsity("t", "accuracy (%)", [new("iterative", [0.9, 0.5], [[1, 4], [3, 6]])], reference: [7, 9]);
        JsonArray traces = Traces(figure);

        double deviation = Math.Sqrt(2);
        Assert.Equal([5 + deviation, 2 + deviation, 2 - deviation, 5 - deviation], Numbers(traces[0]!["y"]));
        Assert.Equal([Math.Log10(2), 1], Numbers(traces[1]!["x"]), (a, b) => Math.Abs(a - b) < 1e-12);
        Assert.Equal([5, 2], Numbers(traces[1]!["y"]));
        Assert.Equal([8, 8], Numbers(traces[2]!["y"]));
        Assert.Contains("iterative: 50 % 5.00 ± 1.41; 90 % 2.00 ± 1.41", figure.ToBundle()["text/plain"], StringComparison.Ordinal);
    }

    [Fact]
    public void Sparsities_stand_where_the_share_that_is_left_puts_them_and_labels_do_not_cover_each_other()
    {
        Figure figure = Draw.Sparsity("t", "y", [new("a", [0, 0.5, 0.75, 0.9, 0.901, 1], [[1, 1, 1, 1, 1, 1]])]);
        double[] places = Numbers(Traces(figure)[0]!["x"]);
        Assert.Equal(places[2] - places[1], places[1] - places[0], 12);
        Assert.True(places[5] > places[4] && places[4] - places[3] < 0.01);
        Assert.Equal(["0 %", "50 %", "75 %", "90 %", "100 %"], Layout(figure)["xaxis"]!["ticktext"]!.AsArray().Select(text => text!.GetValue<string>()));
    }

    [Fact]
    public void A_logarithmic_axis_says_twenty_where_twenty_is()
    {
        Figure figure = Draw.Lines("t", "x", "y", [new("a", [3, 40], [[1, 2]])], logX: true);
        Assert.Equal(["1", "2", "5", "10", "20", "50", "100", "200", "500"],
            Layout(figure)["xaxis"]!["ticktext"]!.AsArray().Select(text => text!.GetValue<string>()));
        Figure wide = Draw.Lines("t", "x", "y", [new("a", [1e-6, 2e6], [[1, 2]])], logX: true);
        Assert.Equal(["10<sup>-6</sup>", "10<sup>-5</sup>", "0.0001", "0.001"],
            Layout(wide)["xaxis"]!["ticktext"]!.AsArray().Take(4).Select(text => text!.GetValue<string>()));
        Assert.Contains("100,000", Layout(wide)["xaxis"]!["ticktext"]!.AsArray().Select(text => text!.GetValue<string>()));
    }

    [Fact]
    public void A_sparsity_in_percent_and_a_seed_that_lacks_a_value_are_refused()
    {
        Assert.Contains("fractions", Assert.Throws<WorkbookException>(() => Draw.Sparsity("t", "y", [new("a", [90], [1.0])])).Message,
            StringComparison.Ordinal);
        Assert.Contains("\"a\"", Assert.Throws<WorkbookException>(() => Draw.Lines("t", "x", "y", [new("a", [1, 2], [[1, 2], [1]])])).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void A_histogram_counts_every_value_once()
    {
        using torch.Tensor values = torch.tensor(new[] { -1f, -0.1f, 0f, 0.1f, 1f });
        using torch.Tensor kept = values.abs().gt(0.5f);
        JsonArray traces = Traces(Draw.Histogram("t", "weight", values, kept, [-0.5, 0.5], bins: 4));

        Assert.Equal(("pruned", 3), ((string?)traces[0]!["name"], Numbers(traces[0]!["y"]).Sum()));
        Assert.Equal(("kept", 2), ((string?)traces[1]!["name"], Numbers(traces[1]!["y"]).Sum()));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Cells_without_a_finite_number_have_a_colour_of_their_own_and_are_counted(bool fractions)
    {
        float any = fractions ? 2.5f : 2;
        using torch.Tensor matrix = torch.tensor(new[,] { { 0, any, float.NaN }, { float.PositiveInfinity, float.NegativeInfinity, -1 } });
        Figure figure = Draw.Heatmap("t", matrix, "unit");
        JsonArray traces = Traces(figure);

        double?[][] Cells(int trace) => [.. traces[trace]!["z"]!.AsArray().Select(row => row!.AsArray().Select(v => v?.GetValue<double>()).ToArray())];
        Assert.Equal([[0, any, null], [null, null, -1]], Cells(0));
        Assert.Equal([[null, null, 1], [1, 1, null]], Cells(1));
        Assert.Equal("not finite", (string?)traces[2]!["name"]);
        Assert.Contains($"-1 to {(fractions ? "2.5" : "2")}, mean", figure.Text, StringComparison.Ordinal);
        Assert.Contains("1 of 6 are 0, 3 are not finite", figure.Text, StringComparison.Ordinal);
    }

    [Fact]
    public void A_matrix_has_names_at_its_columns_and_over_its_cells_where_they_are_given()
    {
        using torch.Tensor matrix = torch.ones(3, 3);
        Figure figure = Draw.Heatmap("t", matrix, "loss", columns: ["query", "key", "<v>"], marks: [("Ticket", 1.6, 2)]);
        Assert.Equal(["query", "key", "&lt;v>"], Layout(figure)["xaxis"]!["ticktext"]!.AsArray().Select(name => (string?)name));
        JsonNode mark = Assert.Single(Layout(figure)["annotations"]!.AsArray())!;
        Assert.Equal(("Ticket", 1.6, 2), ((string)mark["text"]!, (double)mark["x"]!, (double)mark["y"]!));
        Assert.EndsWith("Ticket at column 2, row 2", figure.Text, StringComparison.Ordinal);
    }

    [Fact]
    public void A_mask_with_a_NaN_and_a_matrix_of_nothing_else_can_be_drawn()
    {
        using torch.Tensor mask = torch.tensor(new[,] { { 0f, 1f }, { float.NaN, 1f } }), none = torch.full([2, 2], float.NaN), counts = torch.ones(2, 2);
        JsonArray traces = Traces(Draw.Heatmaps("t", [("mask", mask), ("none", none)], "kept"));
        Assert.Equal(["1: kept", "0", "not finite"], traces.Skip(4).Select(t => (string?)t!["name"]));
        Assert.Contains("no finite value", Draw.Heatmap("t", none, "kept").Text, StringComparison.Ordinal);
        Assert.Single(Traces(Draw.Heatmap("t", counts, "counts")), t => (string?)t!["type"] == "heatmap");
    }

    [Fact]
    public void Words_and_numbers_are_the_same_in_every_culture()
    {
        using torch.Tensor matrix = torch.arange(2500f).reshape(50, 50).sub(0.5f);
        using torch.Tensor kept = matrix.gt(0);
        string Written()
        {
            Lab.Describe("mnist", "MNIST", seeds: [-3], trainingImages: 20_000);
            string words = string.Join('\n', Draw.Heatmap("t", matrix, "weight").Text, Draw.Histogram("t", "x", matrix, kept, [-0.5]).Text,
                Lab.Context.Caption(),
                $"{new Summary(-1.25, 0.5, 3)} {Summary.Of([1234.5, -1])}",
                new Table("", "a", new Column("b", "N1")).Add(new Summary(0.5, 0.25, 2), 618.0).ToBundle()["text/plain"]);
            Lab.Describe("");
            return words;
        }

        string plain = Written();
        using Workbook.Tests.OddCulture odd = new();
        Assert.Equal(plain, Written());
        Assert.Contains("2,500", plain, StringComparison.Ordinal);
    }

    [Fact]
    public void A_drawn_network_has_a_line_for_each_kept_synapse_and_hollow_neurons()
    {
        using torch.Tensor first = torch.tensor(new float[,] { { 1, 0 }, { 0, 0 } });
        using torch.Tensor second = torch.tensor(new float[,] { { 1, 0 } });
        Figure figure = Draw.Network("t", [first, second], ["in", "hidden", "out"]);
        JsonArray traces = Traces(figure);

        Assert.Equal(6 * 3, traces[0]!["x"]!.AsArray().Count);
        Assert.Equal(2 * 3, traces[3]!["x"]!.AsArray().Count);
        Assert.Equal(2, traces[5]!["x"]!.AsArray().Count);
        Assert.Contains("2 of 6 synapses kept; 2 neurons cut off", figure.Text, StringComparison.Ordinal);
        Assert.Throws<WorkbookException>(() => Draw.Network("t", [second, first], ["in", "hidden", "out"]));
    }

    [Fact]
    public void Drawn_channels_have_a_column_for_each_group_and_say_who_makes_them_and_who_reads_them()
    {
        using ResidualNet network = new(0, width: 4);
        Figure figure = Draw.Channels("t", ChannelGraph.Trace(network, torch.randn(1, 1, 28, 28)));
        JsonNode sum = Assert.Single(Traces(figure), t => t!["y"]!.AsArray().Any(y => y!.ToString() == "stem"))!;

        Assert.Equal(["stem", "block1.conv1", "block1.conv2", "block2.conv1", "block2.shortcut"], sum["y"]!.AsArray().Select(y => y!.ToString()));
        Assert.Equal(["circle", "circle-open", "circle", "circle-open", "circle-open"], sum["marker"]!["symbol"]!.AsArray().Select(s => s!.ToString()));
        Assert.Equal(5, Traces(figure).Count);
        Assert.Contains("stem, block1.conv2 make 4 units", figure.Text, StringComparison.Ordinal);
        Assert.Contains("fc make 10 units, which stay: its channels are the model's output", figure.Text, StringComparison.Ordinal);
    }

    [Fact]
    public void A_method_keeps_its_colour_and_no_two_in_a_chart_share_one()
    {
        Assert.Equal(Palette.For("Iterative"), Palette.ForAll(["new one", "iterative"])[1]);
        string[] names = ["iterative", "something", "random", "something else", "fine-tuned", "a third"];
        Assert.Equal(names.Length, Palette.ForAll(names).Distinct().Count());
        Assert.Equal(Palette.For("something"), Palette.For("something"));
        string[] pair = [.. Palette.ForAll(["ours", "other", "Ours (published)"])];
        Assert.Equal((pair[0], true), (pair[2], pair[0] != pair[1]));
        Assert.All(Palette.ForAll(["Lottery start", "Lottery end", "Lottery start (published)"]), color => Assert.Equal(Palette.For("lottery"), color));
    }

    [Fact]
    public void A_start_is_dashed_and_a_way_begins_hollow()
    {
        double[] x = [0, 1];
        JsonArray lines = Traces(Draw.Lines("t", "x", "y",
            [new Series("Lottery end", x, x), new Series("Lottery start", x, x), new Series("Lottery start (published)", x, x)]));
        Assert.Equal(["solid", "dash", "dot"], lines.Select(t => t!["line"]!["dash"]!.ToString()));
        JsonArray way = Traces(Draw.Scatter("t", "x", "y", [("Lottery", x, x), ("Pruned", [2], [2])], joined: true));
        Assert.Equal(["circle-open", "circle", "circle"], way.SelectMany(t => t!["marker"]!["symbol"]!.AsArray()).Select(s => s!.ToString()));
    }

    [Fact]
    public void A_roof_rises_with_what_can_be_read_to_what_can_be_multiplied_and_each_layer_lies_under_it()
    {
        Roof roof = new(100, [new(16 << 10, 200), new(128 << 20, 10)]);
        LayerSpeed Speed(double sparsity, double intensity, double reached) => new(sparsity, 2, reached, 80, intensity * (1 << 10), 1 << 10);
        Figure figure = Draw.Roofline("t", roof, [("conv", [Speed(0.5, 4, 50), Speed(0.9, 0.25, 10)])]);
        JsonArray traces = Traces(figure);
        Assert.Equal(["16 KiB: 200 GB/s", "128 MiB: 10 GB/s", "conv"], traces.Select(t => t!["name"]!.ToString()));
        Assert.Equal([0.125, 0.5, 10], Numbers(traces[0]!["x"]));
        Assert.Equal([25, 100, 100], Numbers(traces[0]!["y"]));
        Assert.Equal([1.25, 100, 100], Numbers(traces[1]!["y"]));
        Assert.Equal([4, 0.25], Numbers(traces[2]!["x"]));
        Assert.Contains("conv: 50 % 50 at 4 operations a byte, 50 % of the roof; 90 % 10 at 0.25 operations a byte, 20 % of the roof", figure.Text,
            StringComparison.Ordinal);
        Assert.Contains("no layer was given", Assert.Throws<WorkbookException>(() => Draw.Roofline("t", roof, [])).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Labels_cannot_end_the_script_and_the_caption_says_what_it_ran_on()
    {
        Figure figure = Draw.Lines("a <b> title", "x", "y", [new Series("</script><b>", [1], [2.0])]);
        Lab.Describe("mnist", "MNIST", seeds: [0, 1, 2], trainingImages: 20_000);
        string html = figure.ToOutput()["text/html"], own = figure.WithCaption("no data").ToOutput()["text/html"];
        Lab.Describe("");

        Assert.Contains(System.Net.WebUtility.HtmlEncode("MNIST · quick profile · 3 seeds (0–2) · 20,000 training images"), html, StringComparison.Ordinal);
        Assert.Contains("no data", own, StringComparison.Ordinal);
        Assert.DoesNotContain("MNIST", own, StringComparison.Ordinal);
        Assert.Equal(figure.ToBundle(), figure.ToBundle());
        Assert.DoesNotContain("</script><b>", html, StringComparison.Ordinal);
        Assert.Contains("a &lt;b&gt; title", html, StringComparison.Ordinal);
    }

    [Fact]
    public void A_bar_begins_at_0_and_what_does_not_is_a_point_with_its_deviation()
    {
        (string, double[])[] methods = [("dense", [97, 98]), ("pruned", [82, 84])];
        Assert.Equal("bar", Assert.Single(Traces(Draw.Bars("t", "y", methods)))!["type"]!.ToString());
        JsonNode points = Assert.Single(Traces(Draw.Bars("t", "y", methods, zoom: true)))!;
        Assert.Equal(("scatter", "markers"), (points["type"]!.ToString(), points["mode"]!.ToString()));
        Assert.Equal(2, points["error_y"]!["array"]!.AsArray().Count);
    }

    [Fact]
    public void Bars_show_the_methods_of_several_measurements_together()
    {
        Measured weights = new(["reinit"], [double.NaN], (_, _) => new([0, 1], [95, 96])),
            places = new(["shuffled"], [double.NaN], (_, _) => new([0, 1], [90, 92]));
        JsonNode bars = Assert.Single(Traces(Draw.Bars("t", "y", [.. weights, .. places])))!;
        Assert.Equal(["reinit", "shuffled"], bars["x"]!.AsArray().Select(x => x!.GetValue<string>()));
        Assert.Equal([95.5, 91], bars["y"]!.AsArray().Select(y => y!.GetValue<double>()));
        Measured levels = new(["reinit"], [0.5, 0.9], (_, _) => new([0], [95]));
        Assert.Contains("'reinit' has 2 levels", Assert.Throws<WorkbookException>(() => Draw.Bars("t", "y", levels)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_band_ends_at_0_where_no_value_is_below_it()
    {
        double[] LowOf(double[] first, double[] second) =>
            [.. Traces(Draw.Lines("t", "x", "y", [new Series("a", [1, 2], [first, second])]))[0]!["y"]!.AsArray().Select(y => y!.GetValue<double>())];
        Assert.Equal(0, LowOf([0, 1], [4, 1]).Min());
        Assert.True(LowOf([-1, 1], [4, 1]).Min() < -1);
    }

    [Fact]
    public void Charts_of_nothing_are_refused_in_one_line()
    {
        Action[] charts =
        [
            () => Draw.Lines("empty", "x", "y", [], reference: [1]),
            () => Draw.Sparsity("empty", "y", [new Series("a", [], [[]])], reference: [1]),
            () => Draw.Bars("empty", "y", Array.Empty<(string, double[])>(), zoom: true),
        ];
        Assert.All(charts, chart => Assert.Contains("empty", Assert.Throws<WorkbookException>(chart).Message, StringComparison.Ordinal));
    }
}
