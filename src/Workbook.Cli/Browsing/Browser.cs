using System.ComponentModel;
using System.Diagnostics;
using System.Text.Json.Nodes;
using Workbook.Native;

namespace Workbook.Cli.Browsing;

/// <summary>A browser without a window and without a network, in a process and a profile of its own.</summary>
internal sealed class Browser : IAsyncDisposable
{
    private const string Announcement = "DevTools listening on ";
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(1);

    private readonly Process _process;
    private readonly string _profile;
    private readonly DevTools _tools = new();

    private Browser(Process process, string profile) => (_process, _profile) = (process, profile);

    /// <summary>Starts the program and connects to it.</summary>
    /// <param name="program">The browser.</param>
    /// <param name="host">The one host that its pages reach; null for none.</param>
    /// <exception cref="WorkbookException">It does not start, or is no browser of this kind.</exception>
    public static async Task<Browser> StartAsync(string program, CancellationToken cancellation, string? host = null)
    {
        string profile = Directory.CreateTempSubdirectory("workbook-browser-").FullName;
        Process process;
        try
        {
            ProcessStartInfo start = new(program, Arguments(profile, host))
            {
                RedirectStandardError = true,
                RedirectStandardOutput = true,
                RedirectStandardInput = true
            };
            process = Process.Start(start)!;
        }
        catch (Win32Exception e)
        {
            Directory.Delete(profile, recursive: true);
            throw new WorkbookException($"{program} does not start ({e.Message}): name another browser in {EnvironmentVariables.Browser}", e);
        }

        Browser browser = new(process, profile);
        using CancellationTokenSource patience = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        patience.CancelAfter(s_patience);
        try
        {
            await browser._tools.ConnectAsync(await browser.AddressAsync(program, patience.Token).ConfigureAwait(false), patience.Token).ConfigureAwait(false);
            return browser;
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            await browser.DisposeAsync().ConfigureAwait(false);
            throw new WorkbookException($"{program} did not answer within {s_patience.TotalSeconds:0} s: name another browser "
                + $"in {EnvironmentVariables.Browser}");
        }
        catch
        {
            await browser.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>Opens an empty page.</summary>
    /// <param name="width">The window's width in CSS pixels.</param>
    /// <param name="height">The window's height in CSS pixels.</param>
    /// <param name="dark">Whether the page is asked for its dark colours.</param>
    public async Task<BrowserPage> OpenAsync(int width, int height, bool dark, CancellationToken cancellation)
    {
        JsonObject target = await _tools.SendAsync("Target.createTarget", new JsonObject { ["url"] = "about:blank" }, null, cancellation).ConfigureAwait(false);
        JsonObject session = await _tools.SendAsync("Target.attachToTarget",
            new JsonObject { ["targetId"] = target["targetId"]!.DeepClone(), ["flatten"] = true }, null, cancellation).ConfigureAwait(false);
        return await BrowserPage.CreateAsync(_tools, session["sessionId"]!.ToString(), width, height, dark, cancellation).ConfigureAwait(false);
    }

    public async ValueTask DisposeAsync()
    {
        await _tools.DisposeAsync().ConfigureAwait(false);
        if (!_process.HasExited)
        {
            _process.Kill(entireProcessTree: true);
        }

        await _process.WaitForExitAsync().ConfigureAwait(false);
        _process.Dispose();
        for (int attempt = 0; attempt < 20 && Directory.Exists(_profile); attempt++)
        {
            try
            {
                Directory.Delete(_profile, recursive: true);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                await Task.Delay(50).ConfigureAwait(false); // a process of the browser's is still writing
            }
        }
    }

    private static IEnumerable<string> Arguments(string profile, string? host)
    {
        string[] all =
        [
            "--headless", "--remote-debugging-port=0", "--user-data-dir=" + profile, "--no-first-run", "--no-default-browser-check",
            "--disable-gpu", "--hide-scrollbars", "--disable-extensions", "--disable-background-networking", "--disable-component-update", "--disable-sync",
            "--disable-dev-shm-usage", "--force-color-profile=srgb", "--font-render-hinting=none",
            "--host-resolver-rules=MAP * ~NOTFOUND" + (host is null ? "" : $" , EXCLUDE {host}"), "about:blank",
        ];

        // As root, in containers mostly, Chromium's sandbox refuses to work.
        return OperatingSystem.IsLinux() && Environment.IsPrivilegedProcess ? all.Prepend("--no-sandbox") : all;
    }

    // The browser says where it listens on its standard error; that pipe has to be read to the end, lest it fills.
    private async Task<Uri> AddressAsync(string program, CancellationToken cancellation)
    {
        _process.OutputDataReceived += (_, _) => { };
        _process.BeginOutputReadLine();
        TaskCompletionSource<Uri> address = new(TaskCreationOptions.RunContinuationsAsynchronously);
        string last = "";
        _process.ErrorDataReceived += (_, line) =>
        {
            if (line.Data is null)
            {
                address.TrySetException(new WorkbookException(
                    $"{program} ended at once{(last.Length > 0 ? $" ({last})" : "")}: name another browser in {EnvironmentVariables.Browser}"));
            }
            else if (line.Data.StartsWith(Announcement, StringComparison.Ordinal))
            {
                address.TrySetResult(new Uri(line.Data[Announcement.Length..]));
            }
            else if (line.Data.Trim().Length > 0)
            {
                last = line.Data.Trim();
            }
        };
        _process.BeginErrorReadLine();
        return await address.Task.WaitAsync(cancellation).ConfigureAwait(false);
    }
}
