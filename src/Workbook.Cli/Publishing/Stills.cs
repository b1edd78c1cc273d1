using System.Text;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Workbook.Cli.Browsing;
using Workbook.Notebook;

namespace Workbook.Cli.Publishing;

/// <summary>Pictures of what scripts draw: charts as they look on a white page.</summary>
internal static partial class Stills
{
    /// <summary>Width of each picture in CSS pixels: what notebooks are read in.</summary>
    public const int Width = 900;

    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(3);

    /// <summary>Draws each part of a page, all with one start of the browser.</summary>
    /// <param name="program">The browser.</param>
    /// <param name="parts">HTML with scripts; plotly.js is on the page.</param>
    /// <param name="room">How many bytes the pictures may have together; if need be they are less fine.</param>
    /// <returns>PNG; null for a part that shows nothing, such as plotly.js itself.</returns>
    /// <exception cref="WorkbookException">The browser does not start, or a chart is not drawn, or there is too little room.</exception>
    public static async Task<IReadOnlyList<byte[]?>> DrawAsync(string program, IReadOnlyList<string> parts, int room, CancellationToken cancellation)
    {
        using CancellationTokenSource patience = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        patience.CancelAfter(s_patience);
        try
        {
            await using Browser browser = await Browser.StartAsync(program, patience.Token).ConfigureAwait(false);
            BrowserPage page = await browser.OpenAsync(Width, 800, dark: false, patience.Token).ConfigureAwait(false);
            await page.WriteAsync(Page(parts), patience.Token).ConfigureAwait(false);
            double[] heights = await WaitAsync(page, patience.Token).ConfigureAwait(false);
            if (parts.Any(part => Hangul().IsMatch(part)) && !await HasHangulAsync(page, patience.Token).ConfigureAwait(false))
            {
                throw new WorkbookException($"a chart has Hangul in it, for which {program} finds no font and draws boxes: install one, such as fonts-nanum");
            }

            byte[]?[] pictures = [];
            for (double scale = 2; scale >= 1; scale -= 0.25)
            {
                await page.ResizeAsync(Width, (int)Math.Ceiling(heights.Append(1).Max()), scale, patience.Token).ConfigureAwait(false);
                pictures = await DrawAsync(page, heights, patience.Token).ConfigureAwait(false);
                if (pictures.Sum(picture => picture?.Length ?? 0) <= room)
                {
                    return pictures;
                }
            }

            throw new WorkbookException($"its {pictures.Length} charts make pictures of {pictures.Sum(picture => picture?.Length ?? 0) / 1e6:0.0} MB, and "
                + $"there is room for {room / 1e6:0.0}: show fewer, or less in each");
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            throw new WorkbookException($"{program} did not draw the charts within {s_patience.TotalMinutes:0} minutes");
        }
    }

    // All parts lie on top of each other, so that each is within the window in its turn: pages of many charts are too long for one picture.
    private static string Page(IReadOnlyList<string> parts)
    {
        StringBuilder html = new();
        html.Append(
            "<!DOCTYPE html><html><head><meta charset=\"utf-8\"><style>:root{color-scheme:light}body{margin:0;background:#fff;color:#1c1c1c;font:15px/1.45 "
                + "system-ui,sans-serif}")
            .Append(".still{position:absolute;top:0;left:0;box-sizing:border-box;width:100%;padding:0 12px;background:#fff;display:flow-root}</style>")
            .Append(PlotlyScript.Html()).Append("</head><body>");
        foreach (string part in parts)
        {
            html.Append("<div class=\"still\">").Append(part).Append("</div>");
        }

        return html.Append("</body></html>").ToString();
    }

    private static async Task<double[]> WaitAsync(BrowserPage page, CancellationToken cancellation)
    {
        JsonNode? drawn = await page.EvaluateAsync(
            """
            (async () => {
              const left = () => [...document.querySelectorAll('.wb-chart')].filter(chart => !chart.querySelector('.main-svg')).length;
              for (let tries = 0; left() > 0 && tries < 300; tries++) await new Promise(go => setTimeout(go, 100));
              await document.fonts.ready;
              await Promise.all([...document.images].map(image => image.decode().catch(() => 0)));
              const seen = still => still.innerText.trim() || still.querySelector('svg,img,canvas') ? still.offsetHeight : 0;
              return { left: left(), heights: [...document.querySelectorAll('.still')].map(seen) };
            })()
            """,
            cancellation).ConfigureAwait(false);
        if (drawn!["left"]!.GetValue<int>() is > 0 and var left)
        {
            throw new WorkbookException($"{left} of its charts did not draw in the "
                + $"browser{(page.Errors.Count > 0 ? $" ({page.Errors[0].Split('\n')[0]})" : "")}");
        }

        return [.. drawn["heights"]!.AsArray().Select(height => height!.GetValue<double>())];
    }

    // What has no font is drawn as a box, and one box is like another.
    private static async Task<bool> HasHangulAsync(BrowserPage page, CancellationToken cancellation) => (await page.EvaluateAsync(
        """
        (() => {
          const drawn = letter => {
            const canvas = document.createElement('canvas'), pen = canvas.getContext('2d');
            pen.font = '32px system-ui,sans-serif';
            pen.fillText(letter, 0, 40);
            return canvas.toDataURL();
          };
          return drawn('가') !== drawn('뷁');
        })()
        """,
        cancellation).ConfigureAwait(false))!.GetValue<bool>();

    private static async Task<byte[]?[]> DrawAsync(BrowserPage page, double[] heights, CancellationToken cancellation)
    {
        byte[]?[] pictures = new byte[]?[heights.Length];
        for (int i = 0; i < heights.Length; i++)
        {
            if (heights[i] > 0)
            {
                await page.EvaluateAsync($"document.querySelectorAll('.still').forEach((still, i) => still.style.zIndex = i === {i} ? 1 : 0); new "
                    + $"Promise(go => requestAnimationFrame(() => requestAnimationFrame(() => go(0))))", cancellation).ConfigureAwait(false);
                pictures[i] = await page.PictureAsync(Width, heights[i], cancellation).ConfigureAwait(false);
            }
        }

        return pictures;
    }

    [GeneratedRegex(@"\p{IsHangulSyllables}")]
    private static partial Regex Hangul();
}
