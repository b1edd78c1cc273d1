using System.Text.Json.Nodes;
using Workbook.Cli.Browsing;
using Xunit;

namespace Workbook.Cli.Tests.Browsing;

/// <summary>What a reader's browser shows of a page.</summary>
internal static class TestBrowser
{
    /// <summary>The browser of this machine; without one the test is skipped and says so.</summary>
    public static string Require()
    {
        string? program = BrowserFinder.Find();
        Assert.SkipWhen(program is null, "no Chromium, Chrome or Edge on this machine");
        return program!;
    }

    /// <summary>Opens a page and waits until its charts are drawn; fails where one is not, or is empty, or the page complains.</summary>
    /// <param name="browser">The browser.</param>
    /// <param name="file">The page's file.</param>
    /// <param name="width">The window's width in pixels.</param>
    /// <param name="dark">Whether the reader wants dark colours.</param>
    /// <param name="picture">Where a picture of the whole page goes, for looking at it.</param>
    /// <returns>How many charts were drawn.</returns>
    public static async Task<int> LookAtAsync(Browser browser, string file, int width, bool dark, string? picture = null)
    {
        CancellationToken cancellation = TestContext.Current.CancellationToken;
        BrowserPage page = await browser.OpenAsync(width, 900, dark, cancellation);
        await page.NavigateAsync(new Uri(file), cancellation);
        JsonNode seen = await SeenAsync(page, cancellation);
        if (picture is not null)
        {
            double height = Math.Min(12_000, seen["height"]!.GetValue<double>());
            await page.ResizeAsync(width, (int)height, 1, cancellation);
            await File.WriteAllBytesAsync(picture, await page.PictureAsync(width, height, cancellation), cancellation);
        }

        string what = $"{Path.GetFileName(file)} at {width} px, {(dark ? "dark" : "light")}: ";
        Assert.Equal(what + "[]", what + seen["empty"]!.ToJsonString());
        Assert.True(seen["wide"]!.GetValue<double>() <= 0, $"{what}the page is {seen["wide"]} px wider than the window");
        Assert.Equal(what, what + string.Join('\n', page.Errors));
        Assert.All(page.Requests, address => Assert.StartsWith("file:", address, StringComparison.Ordinal));
        return seen["charts"]!.GetValue<int>();
    }

    /// <summary>Opens a page of another program's making, which may miss scripts of a network; fails where a chart or a picture is not drawn.</summary>
    /// <returns>How many charts and how many pictures of charts are seen.</returns>
    public static async Task<(int Live, int Still)> CountChartsAsync(Browser browser, string file)
    {
        // Other programs link to the pictures that notebooks' texts show, which lie beside the notebooks.
        string pictures = Directory.CreateDirectory(Path.Combine(Path.GetDirectoryName(file)!, "images")).FullName;
        foreach (string picture in Directory.GetFiles(Repository.PathOf("notebooks", "images"), "*.png"))
        {
            File.Copy(picture, Path.Combine(pictures, Path.GetFileName(picture)), overwrite: true);
        }

        CancellationToken cancellation = TestContext.Current.CancellationToken;
        BrowserPage page = await browser.OpenAsync(1280, 900, dark: false, cancellation);
        await page.NavigateAsync(new Uri(file), cancellation);
        JsonNode seen = await SeenAsync(page, cancellation);
        Assert.Equal($"{file}: []", $"{file}: {seen["empty"]!.ToJsonString()}");
        return (seen["charts"]!.GetValue<int>(), seen["pictures"]!.GetValue<int>());
    }

    // A chart is drawn if its SVG holds a mark or an image that is seen.
    private static async Task<JsonNode> SeenAsync(BrowserPage page, CancellationToken cancellation) =>
        (await page.EvaluateAsync(
            """
            (async () => {
              const charts = [...document.querySelectorAll('.wb-chart')];
              const marks = '.main-svg .cartesianlayer path, .main-svg image';
              const drawn = chart => [...chart.querySelectorAll(marks)].some(mark => mark.getBoundingClientRect().width > 20);
              for (let tries = 0; !charts.every(drawn) && tries < 300; tries++) await new Promise(go => setTimeout(go, 100));
              await Promise.all([...document.images].map(image => image.decode()));
              return {
                charts: charts.length,
                empty: charts.filter(chart => !drawn(chart)).map(chart => chart.id),
                pictures: [...document.images].filter(image => image.src.startsWith('data:image/png') && image.offsetWidth > 300).length,
                wide: document.documentElement.scrollWidth - innerWidth,
                height: document.documentElement.scrollHeight,
              };
            })()
            """,
            cancellation))!;
}
