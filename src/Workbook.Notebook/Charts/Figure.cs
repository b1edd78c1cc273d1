using System.Net;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Plotly.NET;

namespace Workbook.Notebook;

/// <summary>A chart with its title, a caption that says what it was measured on, and the same in words.</summary>
/// <param name="chart">The chart; its own title, if any, is drawn as well.</param>
/// <param name="title">The title, shown above the chart; empty for none.</param>
/// <param name="text">The numbers in words, for places that show no charts; lines.</param>
/// <param name="height">Height in pixels; the width is the page's.</param>
public sealed class Figure(GenericChart chart, string title, string text = "", int height = 420) : IShowable
{
    // Height over width, and pixels beside: square cells then leave no gap on a narrow page; the height is the most it may be.
    internal (double Ratio, int Extra)? Shape { get; init; }

    // Where menus stand: under the axis and its title.
    internal const int RoomForMenu = 50;

    internal static object MenuPlace { get; } = new { t = 55 };

    internal int Height { get; } = height;

    /// <summary>The chart, for changes that no helper offers.</summary>
    public GenericChart Chart { get; } = chart;

    /// <summary>The title, shown above the chart.</summary>
    public string Title { get; } = title;

    /// <summary>The line below the chart; null for that of the notebook that shows it: data set, profile, seeds.</summary>
    public string? Caption { get; private init; }

    /// <summary>The same chart with another line below it: one that does not show the run's data says what it shows.</summary>
    public Figure WithCaption(string caption) => new(Chart, Title, Text, Height) { Shape = Shape, Caption = caption };

    /// <summary>The same chart with two buttons for its x axis: linear and logarithmic. It begins as it is.</summary>
    public Figure WithScales()
    {
        Dictionary<string, object>? axis =
            Plot.Properties(GenericChart.getLayout(Chart)).FirstOrDefault(p => p.Key == "xaxis").Value as Dictionary<string, object>;
        bool hasTicks = axis?.ContainsKey("tickvals") == true; // for the logarithmic scale
        object Button(string name, string type) => new
        {
            label = name,
            method = "relayout",
            args = new object[]
            {
                new Dictionary<string, object>
                {
                    ["xaxis.type"] = type,
                    ["xaxis.autorange"] = true,
                    ["xaxis.tickmode"] = type == "log" && hasTicks ? "array" : "auto",
                },
            },
        };
        return WithControl("updatemenus", new
        {
            type = "buttons",
            direction = "right",
            active = axis?.GetValueOrDefault("type") is "log" ? 1 : 0,
            x = 1,
            xanchor = "right",
            y = 0,
            yanchor = "top",
            pad = MenuPlace,
            buttons = new[] { Button("linear", "linear"), Button("log", "log") },
        }, RoomForMenu);
    }

    // One more slider or menu, and room for it below the chart.
    internal Figure WithControl(string property, object control, int room)
    {
        KeyValuePair<string, object>[] layout = [.. Plot.Properties(GenericChart.getLayout(Chart))];
        object[] before = layout.FirstOrDefault(p => p.Key == property).Value as object[] ?? [];
        int more = layout.Any(p => p.Key is "updatemenus" or "sliders") ? 0 : room;
        GenericChart chart = Plot.Chart(GenericChart.getTraces(Chart), [.. layout.Select(p => (p.Key, p.Value)),
            (property, (object)(object[])[.. before, control]),
            ("margin", new { l = 50, r = 15, t = 30, b = 45 + room })]);
        return new(chart, Title, Text, Height + more) { Shape = Shape is (double ratio, int extra) ? (ratio, extra + more) : null, Caption = Caption };
    }

    /// <summary>The numbers in words.</summary>
    public string Text { get; } = text;

    /// <summary>The chart as a page's part (script included, plotly.js not), and its words.</summary>
    public IReadOnlyDictionary<string, string> ToBundle() => new Dictionary<string, string>
    {
        ["text/html"] = Html(),
        ["text/plain"] = string.Join('\n', new[] { Title, Text, string.IsNullOrEmpty(Caption) ? "" : $"({Caption})" }.Where(line => line.Length > 0)),
    };

    /// <summary>
    /// The chart as an output of this notebook: without a caption it gets the notebook's, and the first chart of a host that drops what
    /// imported files show brings plotly.js along.
    /// </summary>
    public IReadOnlyDictionary<string, string> ToOutput()
    {
        IReadOnlyDictionary<string, string> bundle = (Caption is null ? WithCaption(RunContext.Current.Caption()) : this).ToBundle();
        return PlotlyScript.Due() is { Length: > 0 } script ? bundle.ToDictionary(b => b.Key, b => b.Key == "text/html" ? script + b.Value : b.Value) : bundle;
    }

    /// <summary>The HTML of <see cref="ToOutput"/>, for hosts that ask for it.</summary>
    public string ToHtml() => ToOutput()["text/html"];

    private string Html()
    {
        JsonNode json = JsonNode.Parse(GenericChart.toFigureJson(Chart))!;
        string data = Script(json["data"]!);
        string layout = Script(json["layout"]!);
        string fit = Shape is (double ratio, int extra)
            ? FormattableString.Invariant($"el.style.height=Math.min({Height},Math.round(el.clientWidth*{ratio:0.###})+{extra})+'px';") : "";
        string hash = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(data)))[..8];
        string id = $"chart-{hash}"; // the same in every run; of two equal charts on a page each draws the first that is empty
        string heading = Title.Length == 0 ? "" : $"<div style=\"font-weight:600;margin:0 0 .3em\">{WebUtility.HtmlEncode(Title)}</div>";
        string words = WebUtility.HtmlEncode(Text).Replace("\n", "<br>");
        return $$"""
            <figure class="wb-figure" style="margin:.5em 0 1em;max-width:60em">{{heading}}
            <div data-chart="{{id}}" class="wb-chart" style="width:100%;height:{{Height}}px"><small style="opacity:.7">{{words}}</small></div>
            <figcaption style="font-size:12px;opacity:.75">{{WebUtility.HtmlEncode(Caption ?? "")}}</figcaption>
            <script>(function(){
            var data={{data}},layout={{layout}},tries=0;
            function draw(){
              var el=document.querySelector('[data-chart="{{id}}"]:not(.wb-drawn)');
              if(!el||!window.Plotly){if(tries++<600)setTimeout(draw,100);return;}
              el.classList.add('wb-drawn');
              function color(){return getComputedStyle(el).color;}
              layout.font=Object.assign({},layout.font,{color:color()});
              el.textContent='';{{fit}}
              window.Plotly.newPlot(el,data,layout,{responsive:true,displayModeBar:false});
              window.matchMedia('(prefers-color-scheme: dark)').addEventListener('change',function(){window.Plotly.relayout(el,{'font.color':color()});});
            }
            draw();
            })();</script></figure>
            """;
    }

    // JSON inside a script element: "</script>" in a label would end it.
    private static string Script(JsonNode node) => node.ToJsonString().Replace("<", "\\u003c");
}
