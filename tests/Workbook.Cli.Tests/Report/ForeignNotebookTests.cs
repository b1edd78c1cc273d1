using System.Text.Json.Nodes;
using Workbook.Cli.Browsing;
using Workbook.Cli.Notebooks;
using Workbook.Cli.Outcome;
using Workbook.Cli.Report;
using Workbook.Cli.Tests.Browsing;
using Workbook.Cli.Tests.Running;
using Workbook.Notebook;
using Xunit;
using Cells = Workbook.Cli.Tests.Running.Notebooks;
using NotebookClaims = Workbook.Notebook.Claims;

namespace Workbook.Cli.Tests.Report;

/// <summary>What a browser does with the report of a notebook whose author means ill. Whatever runs notes its name in <c>window.ran</c>.</summary>
public sealed class ForeignNotebookTests : IAsyncDisposable
{
    private const string Name = "\"><img src=x onerror=ran('name')>";

    private readonly Workspace _workspace = new();
    private Browser? _browser;
    private BrowserPage? _page; // one for all documents: each of its own would take a process

    public static TheoryData<string, string> Markdown => new()
    {
        { "heading", "# A title <script>ran('heading')</script>" },
        { "heading's picture", "# <img src=x onerror=\"ran('heading picture')\">" },
        { "underlined heading", "<img src=x onerror=ran('setext')>\n======" },
        { "block", "<script>ran('block')</script>" },
        { "block that is not closed", "<div><script>ran('unclosed')" },
        { "paragraph", "some text <script>ran('paragraph')</script> goes on" },
        { "table", "| a | b |\n|---|---|\n| <img src=x onerror=ran('table')> | <script>ran('table 2')</script> |" },
        { "list", "- one\n- <svg onload=ran('list')></svg>" },
        { "quotation", "> <img src=x onerror=ran('quotation')>" },
        { "footnote", "a word[^1]\n\n[^1]: <img src=x onerror=ran('footnote')>" },
        { "svg", "<svg onload=ran('svg')><script>ran('svg script')</script></svg>" },
        { "svg style", "<svg><style><img src=x onerror=ran('svg style')></style></svg>" },
        { "svg animation", "<svg><a><animate attributeName=href values=javascript:ran('animate') /><text x=20 y=20>x</text></a></svg>" },
        { "mathml", "<math><mtext><table><mglyph><style><!--</style><img title=\"--&gt;&lt;img src=x onerror=ran('mathml')&gt;\">" },
        { "noscript", "<noscript><p title=\"</noscript><img src=x onerror=ran('noscript')>\"></noscript>" },
        { "javascript link", "[a link](javascript:ran('link'))" },
        { "javascript link in capitals", "[a link](JaVaScRiPt:ran('capitals'))" },
        { "javascript link with a tab", "<a href=\"java\tscript:ran('tab')\">a link</a>" },
        { "javascript link in letters", "<a href=\"&#106;avascript&colon;ran('entities')\">a link</a>" },
        { "javascript reference", "[a link][r]\n\n[r]: javascript:ran('reference')" },
        { "automatic link", "<javascript:ran('automatic')>" },
        { "data link", "[a link](data:text/html,<script>opener.ran('data')</script>)" },
        { "data link in HTML", "<a href=\"data:text/html;base64,PHNjcmlwdD5vcGVuZXIucmFuKCdkYXRhJyk8L3NjcmlwdD4=\">a link</a>" },
        { "vbscript link", "<a href=\"vbscript:ran('vb')\">a link</a>" },
        { "base", "<base href=\"https://elsewhere.invalid/\">" },
        { "refresh", "<meta http-equiv=refresh content=\"0;url=javascript:ran('refresh')\"><meta http-equiv=refresh content=\"0;url=about:blank\">" },
        { "form", "<form action=\"javascript:ran('form')\"><button>go</button><input type=submit formaction=\"javascript:ran('formaction')\"></form>" },
        { "focus", "<input autofocus onfocus=ran('focus')><div tabindex=0 autofocus onfocus=ran('focus 2')>x</div>" },
        { "details", "<details open ontoggle=ran('toggle')><summary onclick=ran('summary')>x</summary></details>" },
        { "style", "<style>@keyframes x{}p{animation:x 1s}</style><p style=\"animation:x 1s\" onanimationstart=ran('animation')>x</p>" },
        { "covering style", "<div style=\"position:fixed;inset:0;z-index:99;background:url(javascript:ran('url'))\">x</div>" },
        { "frame", "<iframe src=\"javascript:parent.ran('frame')\"></iframe><iframe srcdoc=\"<script>parent.ran('srcdoc')</script>\"></iframe>" },
        { "object", "<object data=\"javascript:ran('object')\"></object><embed src=\"javascript:ran('embed')\">" },
        { "media", "<video><source onerror=ran('video')></video><audio src=x onerror=ran('audio')></audio>" },
        { "picture's source", "![x](javascript:ran('picture'))" },
        { "picture's words", "![\" onerror=\"ran('alt')](x.png \"\\\" onerror=\\\"ran('title')\")" },
        { "picture that is a drawing", "![x](data:image/svg+xml,<svg%20xmlns='http://www.w3.org/2000/svg'%20onload=\"parent.ran('drawing')\"/>)" },
        { "code", "```<img src=x onerror=ran('fence')>\n</code></pre><script>ran('code')</script>\n```" },
        { "formula", "$\\href{javascript:ran('formula')}{x}$ and $</span><img src=x onerror=ran('formula 2')>$" },
        { "the page's own data", "<script type=\"application/json\" class=\"chart-data\">{}</script><div class=\"wb-chart\">x</div>" },
        { "names of the page's own", "<img name=querySelectorAll src=x><a id=temml></a><form id=Plotly></form>" },
        { "comment", "<!--><script>ran('comment')</script>-->" },
        { "end of the page", "</main></div></body></html><script>ran('end')</script>" },
        { "line end in a tag", "<img\nsrc=x\nonerror\n=\nran('line')>" },
        { "slashes in a tag", "<img/src=x/onerror=ran('slash')>" },
    };

    public static TheoryData<string, string, string> Outputs => new()
    {
        { "script", "text/html", "<script>ran('script')</script>" },
        { "picture", "text/html", "<img src=x onerror=ran('picture')>" },
        { "drawing", "text/html", "<svg onload=ran('drawing')></svg>" },
        { "link", "text/html", "<a href=\"javascript:ran('link')\">x</a>" },
        { "refresh", "text/html", "<meta http-equiv=refresh content=\"0;url=javascript:ran('refresh')\">" },
        { "chart", "text/html", "<figure class=\"wb-figure\"><div class=\"wb-chart\">x</div><script>(function(){\nvar data=[],layout={},tries=0;\nran('chart');"
            + "})();</script></figure>" },
        { "chart with more", "text/html", "<figure class=\"wb-figure\"><img src=x onerror=ran('more')><script>(function(){\nvar data=[],layout={},tries=0;\n" },
        { "chart's words", "text/html", "<figure class=\"wb-figure\"><div class=\"wb-chart\">x</div><script>(function(){\nvar data=[{\"name\":\"</script>"
            + "<script>ran('words')</script>\",\"y\":[1]}],layout={\"title\":{\"text\":"
            + "\"<a href=\\\"javascript:ran('title')\\\"><img src=x onerror=ran('label')>x</a>\"}},"
            + "tries=0;\n" },
        { "SVG", "image/svg+xml", "<svg xmlns=\"http://www.w3.org/2000/svg\" onload=\"parent.ran('svg')\"><script>parent.ran('svg')</script></svg>" },
        { "PNG", "image/png", "x\" onerror=\"ran('png')" },
        { "text", "text/plain", "</pre><script>ran('text')</script>" },
        { "JavaScript", "application/javascript", "ran('javascript')" },
        { "end of the frame", "text/html", "\"></iframe><script>ran('end')</script>" },
    };

    public async ValueTask DisposeAsync()
    {
        _workspace.Dispose();
        if (_browser is not null)
        {
            await _browser.DisposeAsync();
        }
    }

    [Fact]
    public async Task Nothing_runs_from_a_notebooks_text()
    {
        JsonObject[] cells = [.. Markdown.Select(row => new JsonObject
        {
            ["cell_type"] = "markdown",
            ["metadata"] = new JsonObject(),
            ["source"] = row.Data.Item2,
        })];
        JsonObject[][] notebooks = [cells, .. cells.Select(cell => new[] { cell })]; // together, and each alone: an unclosed one could hide the next
        string folder = Write([.. notebooks.Select(notebook => Cells.Of([.. notebook.Select(cell => cell.DeepClone().AsObject())]))]);
        foreach (string page in Directory.GetFiles(folder, "*.html"))
        {
            JsonNode seen = await SeeAsync(page);
            Assert.Equal("[]", seen["ran"]!.ToJsonString());
            Assert.Equal(0, seen["frames"]!.GetValue<int>());
            Assert.Equal(page, new Uri(seen["address"]!.ToString()).LocalPath);
        }
    }

    [Fact]
    public async Task Nothing_that_a_cell_showed_reaches_the_page()
    {
        JsonObject code = Cells.Code("</code></pre><script>ran('source')</script>");
        code["outputs"] = new JsonArray([.. Outputs.Select(row => (JsonNode)new JsonObject
        {
            ["output_type"] = "display_data",
            ["data"] = new JsonObject { [row.Data.Item2] = row.Data.Item3, ["text/plain"] = "\" onerror=\"ran('words')" },
            ["metadata"] = new JsonObject(),
        }), new JsonObject { ["output_type"] = "stream", ["name"] = "stdout", ["text"] = "</pre><script>ran('stream')</script>" },
            new JsonObject { ["output_type"] = "error", ["ename"] = "<script>ran('error')</script>", ["evalue"] = "<script>ran('error')</script>" }]);
        string folder = Write(Cells.Of(code));
        JsonNode seen = await SeeAsync(Path.Combine(folder, "n0.html"));

        Assert.Equal("[]", seen["ran"]!.ToJsonString());
        Assert.Equal("allow-scripts", string.Join(' ', seen["sandboxes"]!.AsArray().Select(sandbox => $"{sandbox}").Distinct()));
        Assert.Equal("[]", (await SeeAsync(Path.Combine(folder, "index.html")))["ran"]!.ToJsonString());
    }

    [Fact]
    public async Task Nothing_runs_from_names_titles_claims_and_errors()
    {
        Claim claim = NotebookClaims.Ours("pruning.a", "<img src=x onerror=ran('statement')>", [1, 2], Expect.Above(0),
            "<script>ran('unit')</script>") with
        { Id = "<script>ran('id')</script>", Note = "</small><script>ran('note')</script>" };
        Claim published = NotebookClaims.Published("pruning.b", "</td><script>ran('statement')</script>", 1, [1, 2], "<svg onload=ran('source')>", "x");
        NotebookResult Result(string name)
        {
            NotebookDocument notebook = NotebookReader.Read(_workspace.Write("n", Cells.Of(new JsonObject
            {
                ["cell_type"] = "markdown",
                ["metadata"] = new JsonObject(),
                ["source"] = $"# </title><script>ran('title')</script>\n\n[there](javascript:ran('name').ipynb) and [here]({Name}.ipynb)",
            })));
            return NotebookResult.Of(notebook, notebook.Path) with
            {
                Name = name,
                Claims = name == Name ? [claim, published] : [],
                Error = "</pre><script>ran('error')</script>",
                SourcePath = "</pre><script>ran('path')</script>",
            };
        }

        string folder = _workspace.PathOf("site");
        ReportSite.Write(folder, [Result(Name), Result("javascript:ran('name')")], out IReadOnlyList<string> faults);
        Assert.Empty(faults);
        foreach (string page in Directory.GetFiles(folder, "*.html"))
        {
            Assert.Equal("[]", (await SeeAsync(page))["ran"]!.ToJsonString());
        }
    }

    [Fact]
    public async Task A_cells_script_runs_in_its_frame_and_reaches_nothing_outside()
    {
        JsonObject code = Cells.Code("x");
        const string Script = "<div id=x>at first</div><script>const x = document.getElementById('x');"
            + "const tried = [() => parent.ran('parent'), () => top.document.title, () => localStorage.length, () => document.cookie,"
            + " () => { top.location = 'about:blank'; }];"
            + "const refused = tried.filter(t => { try { t(); return false; } catch { return true; } }).length;"
            + "Promise.all(['report.js', 'https://elsewhere.invalid/', 'file:///etc/hosts'].map(u => fetch(u).then(() => 0, () => 1)))"
            + ".then(all => { x.style.height = 100 * refused + all.reduce((a, b) => a + b) + 'px'; });</script>";
        const string Plotted = "<div id=p style='width:300px;height:200px'></div><script>Plotly.newPlot('p', [{y: [1, 2]}]).then(() => {"
            + "document.getElementById('p').style.height = '333px'; });</script>";
        const string Styled = "<style>td{color:red}</style><table><tr><td>1</td></tr></table>";
        code["outputs"] = new JsonArray([.. new[] { Script, Plotted, Styled }.Select(html => (JsonNode)new JsonObject
        {
            ["output_type"] = "display_data",
            ["data"] = new JsonObject { ["text/html"] = html },
            ["metadata"] = new JsonObject(),
        })]);
        JsonNode seen = await SeeAsync(Path.Combine(Write(Cells.Of(code)), "n0.html"), waitFor: "503px 333px");

        Assert.Equal("[]", seen["ran"]!.ToJsonString());
        Assert.StartsWith("503px 333px", seen["heights"]!.ToString(), StringComparison.Ordinal);
        Assert.Equal(3, seen["frames"]!.GetValue<int>());
        Assert.EndsWith("n0.html", seen["address"]!.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Each_page_has_a_policy_under_which_a_script_that_got_in_does_not_run()
    {
        JsonObject code = Cells.Code("x");
        code["outputs"] = new JsonArray(new JsonObject
        {
            ["output_type"] = "display_data",
            ["data"] = new JsonObject { ["text/html"] = "<script>1</script>" },
        });
        string[] pages = Directory.GetFiles(Write(Cells.Of(code)), "*.html", SearchOption.AllDirectories);
        Assert.Equal(3, pages.Length);
        foreach (string page in pages)
        {
            string head = File.ReadAllText(page);
            int policy = head.IndexOf("<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; ", StringComparison.Ordinal);
            Assert.InRange(policy, 0, head.IndexOf("<script", StringComparison.Ordinal));
        }

        foreach (string page in pages.Where(page => !page.Contains("outputs", StringComparison.Ordinal)))
        {
            JsonNode seen = await SeeAsync(page,
                "document.body.insertAdjacentHTML('beforeend', '<img src=x onerror=ran(1)><a href=\"javascript:ran(2)\">x</a>');"
                + "const script = document.createElement('script'); script.textContent = 'ran(3)'; document.body.append(script);");
            Assert.Equal("[]", seen["ran"]!.ToJsonString());
        }
    }

    [Fact]
    public void What_is_no_danger_stays()
    {
        MarkdownPage page = new(_ => null, _ => null);
        Assert.Equal("<div align=\"center\" style=\"color: rgba(255, 0, 0, 1)\">a <b>word</b></div>\n",
            page.Render("<div align=\"center\" style=\"color:red\">a <b>word</b></div>"));
        Assert.Equal("<p>List&lt;int&gt; of <code>a&lt;b&gt;</code></p>\n", page.Render("List\\<int> of `a<b>`"));
        Assert.Equal("<p><a href=\"https://example.org/a?b=c&amp;d\">x</a> <a href=\"#part-1\">y</a> <a href=\"other.html\">z</a></p>\n",
            page.Render("[x](https://example.org/a?b=c&d) [y](#part-1) [z](other.html)"));
        Assert.Contains("src=\"data:image/png;base64,iVBORw0KGgo=\"", page.Render("![x](data:image/png;base64,iVBORw0KGgo=)"), StringComparison.Ordinal);
    }

    private string Write(params JsonObject[] notebooks)
    {
        string folder = _workspace.PathOf("site");
        NotebookDocument[] documents = [.. notebooks.Select((notebook, i) => NotebookReader.Read(_workspace.Write($"n{i}", notebook)))];
        ReportSite.Write(folder, [.. documents.Select(document => NotebookResult.Of(document, document.Path))], out IReadOnlyList<string> faults);
        Assert.Empty(faults);
        return folder;
    }

    /// <summary>Opens a page, does what a reader might do, and says what came of it.</summary>
    private async Task<JsonNode> SeeAsync(string file, string first = "", string waitFor = "")
    {
        CancellationToken cancellation = TestContext.Current.CancellationToken;
        _browser ??= await Browser.StartAsync(TestBrowser.Require(), cancellation);
        if (_page is null)
        {
            _page = await _browser.OpenAsync(1280, 900, dark: false, cancellation);
            await _page.BeforeEachDocumentAsync("window.all = []; window.ran = what => { window.all.push(`${what}`); };", cancellation);
        }

        await _page.NavigateAsync(new Uri(file), cancellation);
        return (await _page.EvaluateAsync(
            $$"""
            (async () => {
              {{first}}
              const heights = () => [...document.querySelectorAll('iframe')].map(frame => frame.style.height).join(' ');
              for (let tries = 0; !heights().startsWith('{{waitFor}}') && tries < 100; tries++) await new Promise(go => setTimeout(go, 100));
              for (const link of document.querySelectorAll('a, area, [href]')) {
                if (!/^(https?|file|mailto):$/.test(link.protocol || '')) link.dispatchEvent(new MouseEvent('click', { bubbles: true, cancelable: true }));
              }

              for (const part of document.querySelectorAll('button, input, summary')) part.click();
              for (const part of document.querySelectorAll('*')) {
                for (const name of ['focus', 'mouseover', 'toggle', 'load', 'error', 'animationstart']) part.dispatchEvent(new Event(name));
              }

              await new Promise(go => setTimeout(go, 100));
              return {
                ran: window.all,
                frames: document.querySelectorAll('iframe').length,
                sandboxes: [...document.querySelectorAll('iframe')].map(frame => frame.getAttribute('sandbox')),
                heights: heights(),
                address: location.href,
              };
            })()
            """,
            cancellation))!;
    }
}
