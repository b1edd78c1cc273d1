using Xunit;

namespace Workbook.Notebook.Tests;

public class PublishedCurvesTests
{
    [Fact]
    public void A_figures_curves_are_read_by_name()
    {
        IReadOnlyList<Series> curves = PublishedCurves.Read("evci2022-lenet5-interpolation");
        Assert.Equal(["Lottery (published)", "Lottery End (published)", "Scratch (published)", "Scratch End (published)"], curves.Select(c => c.Name));
        Assert.Equal((-0.2, 2.3036), (curves[0].X[0], curves[0].Values[0][0]));
        Assert.InRange(curves[3].Values[0].Max(), 1.8, 1.9);
    }

    [Fact]
    public void A_figure_that_is_not_there_is_refused_with_those_that_are() =>
        Assert.Contains("there are evci2022-lenet5-gradient-norm, ", Assert.Throws<WorkbookException>(() => PublishedCurves.Read("evci2023")).Message,
            StringComparison.Ordinal);
}
