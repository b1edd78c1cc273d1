using System.Text.Json.Nodes;

namespace Workbook.Cli.Browsing;

/// <summary>One page in a browser, and what it complains about.</summary>
internal sealed class BrowserPage
{
    private readonly DevTools _tools;
    private readonly string _session;
    private readonly Lock _lock = new();
    private readonly List<string> _errors = [];
    private readonly List<string> _requests = [];
    private TaskCompletionSource _loaded = new();

    private BrowserPage(DevTools tools, string session)
    {
        (_tools, _session) = (tools, session);
        tools.Reported += OnReported;
    }

    /// <summary>Exceptions that no script caught, errors on the console, and what could not be loaded.</summary>
    public IReadOnlyList<string> Errors
    {
        get
        {
            lock (_lock)
            {
                return [.. _errors];
            }
        }
    }

    /// <summary>The addresses that the page asked for, except of data inside it.</summary>
    public IReadOnlyList<string> Requests
    {
        get
        {
            lock (_lock)
            {
                return [.. _requests];
            }
        }
    }

    internal static async Task<BrowserPage> CreateAsync(DevTools tools, string session, int width, int height, bool dark, CancellationToken cancellation)
    {
        BrowserPage page = new(tools, session);
        foreach (string domain in new[] { "Page", "Runtime", "Network", "Log" })
        {
            await page.SendAsync(domain + ".enable", [], cancellation).ConfigureAwait(false);
        }

        await page.ResizeAsync(width, height, 1, cancellation).ConfigureAwait(false);
        JsonObject scheme = new() { ["name"] = "prefers-color-scheme", ["value"] = dark ? "dark" : "light" };
        await page.SendAsync("Emulation.setEmulatedMedia", new JsonObject { ["features"] = new JsonArray(scheme) }, cancellation).ConfigureAwait(false);
        return page;
    }

    /// <summary>Gives the page another size.</summary>
    /// <param name="width">In CSS pixels; narrow ones as on a phone.</param>
    /// <param name="height">In CSS pixels.</param>
    /// <param name="scale">Pixels of a picture for one CSS pixel.</param>
    public Task ResizeAsync(int width, int height, double scale, CancellationToken cancellation) =>
        SendAsync("Emulation.setDeviceMetricsOverride",
            new JsonObject { ["width"] = width, ["height"] = height, ["deviceScaleFactor"] = scale, ["mobile"] = false }, cancellation);

    /// <summary>Opens an address and waits until it is loaded, scripts and pictures included.</summary>
    public async Task NavigateAsync(Uri address, CancellationToken cancellation)
    {
        _loaded = new(TaskCreationOptions.RunContinuationsAsynchronously);
        await SendAsync("Page.navigate", new JsonObject { ["url"] = address.AbsoluteUri }, cancellation).ConfigureAwait(false);
        await _loaded.Task.WaitAsync(cancellation).ConfigureAwait(false);
    }

    /// <summary>Runs a script in each document from now on, before its own.</summary>
    public Task BeforeEachDocumentAsync(string script, CancellationToken cancellation) =>
        SendAsync("Page.addScriptToEvaluateOnNewDocument", new JsonObject { ["source"] = script }, cancellation);

    /// <summary>Writes the page's content. No file is needed: some browsers may not read every folder.</summary>
    public Task WriteAsync(string html, CancellationToken cancellation) =>
        EvaluateAsync($"document.open();document.write({JsonValue.Create(html).ToJsonString()});document.close();0", cancellation);

    /// <summary>The value of a script's last expression, or what its promise brings.</summary>
    /// <exception cref="WorkbookException">The script throws.</exception>
    public async Task<JsonNode?> EvaluateAsync(string script, CancellationToken cancellation)
    {
        JsonObject answer = await SendAsync("Runtime.evaluate", new JsonObject { ["expression"] = script, ["awaitPromise"] = true, ["returnByValue"] = true },
            cancellation).ConfigureAwait(false);
        return answer["exceptionDetails"] is JsonNode fault
            ? throw new WorkbookException($"a script failed in the browser: {fault["exception"]?["description"] ?? fault["text"]}")
            : answer["result"]?["value"]?.DeepClone();
    }

    /// <summary>What is seen of the page, as PNG.</summary>
    /// <param name="width">Of the window's upper left part, in CSS pixels.</param>
    /// <param name="height">Of the window's upper left part, in CSS pixels.</param>
    public async Task<byte[]> PictureAsync(double width, double height, CancellationToken cancellation)
    {
        JsonObject clip = new() { ["x"] = 0, ["y"] = 0, ["width"] = width, ["height"] = height, ["scale"] = 1 };
        JsonObject answer = await SendAsync("Page.captureScreenshot", new JsonObject { ["format"] = "png", ["clip"] = clip }, cancellation)
            .ConfigureAwait(false);
        return Convert.FromBase64String(answer["data"]!.ToString());
    }

    private Task<JsonObject> SendAsync(string method, JsonObject parameters, CancellationToken cancellation) =>
        _tools.SendAsync(method, parameters, _session, cancellation);

    private void OnReported(string session, string name, JsonObject details)
    {
        if (session != _session)
        {
            return;
        }

        lock (_lock)
        {
            switch (name)
            {
                case "Page.loadEventFired":
                    _loaded.TrySetResult();
                    break;
                case "Runtime.exceptionThrown":
                    _errors.Add($"{details["exceptionDetails"]?["exception"]?["description"] ?? details["exceptionDetails"]?["text"]}");
                    break;
                case "Runtime.consoleAPICalled" when Text(details, "type") is "error" or "assert":
                    _errors.Add(string.Join(' ', details["args"]!.AsArray().Select(argument => argument!["value"] ?? argument["description"])));
                    break;
                case "Log.entryAdded" when Text(details["entry"], "level") == "error":
                    _errors.Add($"{details["entry"]!["text"]} {details["entry"]!["url"]}");
                    break;
                case "Network.requestWillBeSent" when Text(details["request"], "url") is { } address && !address.StartsWith("data:", StringComparison.Ordinal):
                    _requests.Add(address);
                    break;
                default:
                    break;
            }
        }
    }

    private static string? Text(JsonNode? node, string member) => node?[member]?.ToString();
}
