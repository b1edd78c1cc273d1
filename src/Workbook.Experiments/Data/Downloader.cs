using System.Diagnostics;
using System.Net;
using System.Net.Http.Headers;
using Workbook.Native;

namespace Workbook;

/// <summary>How far a download has come.</summary>
/// <param name="File">Name of the file.</param>
/// <param name="Received">Bytes that are here, those of an earlier attempt included.</param>
/// <param name="Total">Bytes in all, as the mirror says; null where it doesn't.</param>
/// <param name="Mirror">The host they come from.</param>
public readonly record struct DownloadProgress(string File, long Received, long? Total, string Mirror);

/// <summary>How long to wait for bytes. Time in which bytes arrive is free.</summary>
/// <param name="Wait">The longest silence of one mirror.</param>
/// <param name="Lost">The most time lost to silent and failing mirrors in all.</param>
internal readonly record struct Patience(TimeSpan Wait, TimeSpan Lost)
{
    /// <summary>When somebody asked for the download.</summary>
    public static readonly Patience Asked = new(TimeSpan.FromSeconds(15), TimeSpan.FromSeconds(60));

    /// <summary>When there is something else to go on with: the promised 5 seconds, with some left for the rest.</summary>
    public static readonly Patience Trying = new(TimeSpan.FromSeconds(4.5), TimeSpan.FromSeconds(4.5));
}

/// <summary>
/// Fetches files from mirrors that may hang, break off or answer nonsense. Bytes go to NAME.part, which a later
/// attempt resumes; the checked file takes its name in one step. One instance for all files of a data set: it
/// remembers which mirror works and how much time was lost. The caller keeps others out of the folder.
/// </summary>
internal sealed class Downloader(
    IReadOnlyList<Uri> mirrors, Patience patience, IProgress<DownloadProgress>? progress, CancellationToken cancel)
{
    private static readonly HttpClient Http = new(new SocketsHttpHandler { AutomaticDecompression = DecompressionMethods.None, AllowAutoRedirect = false })
    {
        Timeout = Timeout.InfiniteTimeSpan,
        DefaultRequestHeaders = { { "User-Agent", "pruning-workbook" } },
    };

    /// <summary>A mirror that sends less in the time of a silence is as good as silent: a byte now and then would keep everybody waiting for hours.</summary>
    private const int LeastBytes = 1 << 12;

    private const int MostRedirects = 8;

    private readonly List<Uri> _mirrors = [.. mirrors];
    private TimeSpan _lost;

    /// <summary>Fetches mirror/name.gz, or mirror/name where that is published, to <paramref name="path"/>, replacing what is there.</summary>
    /// <exception cref="WorkbookException">No mirror gave the file, or it could not be written.</exception>
    public async Task FetchAsync(ManifestFile file, string path)
    {
        var faults = new List<string>();
        int left = _mirrors.Count;
        while (left > 0 && _lost < patience.Lost)
        {
            Uri mirror = _mirrors[0];
            TimeSpan share = (patience.Lost - _lost) / left;
            bool resumed = File.Exists(path + ".part");
            string? fault = await TryAsync(mirror, file, path, share < patience.Wait ? share : patience.Wait);
            if (fault is null)
            {
                return;
            }

            faults.Add($"{mirror.Host}: {fault}");
            if (resumed && !File.Exists(path + ".part"))
            {
                // The earlier part was no use; the mirror itself may still be good.
                continue;
            }

            _mirrors.RemoveAt(0);
            _mirrors.Add(mirror);
            left--;
        }

        throw new WorkbookException(
            $"{file.Published} could not be downloaded ({string.Join("; ", faults.DefaultIfEmpty("no time left"))}): check the network, or name a folder "
                + $"that has the files (--data DIR)");
    }

    /// <summary>One attempt; returns what went wrong, null where nothing did.</summary>
    private async Task<string?> TryAsync(Uri mirror, ManifestFile file, string path, TimeSpan wait)
    {
        string part = path + ".part";
        Stopwatch silence = Stopwatch.StartNew(), sinceByte = Stopwatch.StartNew();
        using var timer = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        try
        {
            Local(part, () => DiscardForeign(part));
            long have = new FileInfo(part) is { Exists: true } earlier ? earlier.Length : 0;
            timer.CancelAfter(wait);
            using HttpResponseMessage response = await RequestAsync(new Uri(mirror, file.Published), have, timer.Token);
            if (response.StatusCode == HttpStatusCode.RequestedRangeNotSatisfiable)
            {
                File.Delete(part);
                return "has nothing that continues the earlier part";
            }

            if (!response.IsSuccessStatusCode)
            {
                string elsewhere = response.Headers.Location is { IsAbsoluteUri: true } to ? $" (a redirect to {to.Scheme}:, which is not followed)"
                    : response.Headers.Location is null ? "" : " (too many redirects)";
                return $"answered {(int)response.StatusCode} {response.ReasonPhrase}{elsewhere}";
            }

            bool continues = response.StatusCode == HttpStatusCode.PartialContent && response.Content.Headers.ContentRange?.From == have;
            await using Stream body = await response.Content.ReadAsStreamAsync(timer.Token);
            string? fault = await SaveAsync(body, part, continues ? have : 0);
            if (fault is not null)
            {
                return fault;
            }

            // From here on the time is this machine's, not the mirror's.
            silence.Reset();
            return Accept(file, part, path);

            async Task<string?> SaveAsync(Stream from, string to, long received)
            {
                long? total = response.Content.Headers.ContentLength + received;
                byte[] buffer = new byte[1 << 16];
                await using FileStream output = Local(to, () =>
                {
                    if (received == 0)
                    {
                        File.Delete(to);
                    }

                    // A new file is really new: nobody's link stands in its place.
                    return new FileStream(to, received == 0 ? FileMode.CreateNew : FileMode.Open, FileAccess.Write, FileShare.Read, bufferSize: 0);
                });
                Local(to, () =>
                {
                    output.SetLength(received);
                    output.Position = received;
                    return true;
                });
                timer.CancelAfter(wait);
                for (long counted = received; ;)
                {
                    int read = await from.ReadAtLeastAsync(buffer, received == 0 ? 2 : 1, throwOnEndOfStream: false, timer.Token);
                    if (received == 0 && !file.IsPlain && buffer is not [0x1f, 0x8b, ..])
                    {
                        return "answered with something else than the gzip file (a web page?)";
                    }

                    if (read == 0)
                    {
                        return null;
                    }

                    Local(to, () =>
                    {
                        output.Write(buffer, 0, read);
                        return true;
                    });
                    sinceByte.Restart();
                    received += read;
                    if (received - counted >= LeastBytes)
                    {
                        counted = received;
                        silence.Restart();
                        timer.CancelAfter(wait);
                    }

                    if (received > file.Bytes + 65536)
                    {
                        output.SetLength(0);
                        return "sent more bytes than the file can have";
                    }

                    progress?.Report(new DownloadProgress(file.Published, received, total, mirror.Host));
                }
            }
        }
        catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
        {
            return FormattableString.Invariant(sinceByte.Elapsed < wait / 2 && wait > TimeSpan.Zero
                ? $"too slow, less than {LeastBytes / 1024} KB in {wait.TotalSeconds:0.#} s" : (FormattableString)$"silent for {wait.TotalSeconds:0.#} s");
        }
        catch (HttpRequestException e)
        {
            return (e.InnerException ?? e).Message;
        }
        catch (HttpIOException e)
        {
            return $"broke off ({e.HttpRequestError})";
        }
        catch (IOException e)
        {
            return $"broke off ({e.Message})";
        }
        catch (WorkbookException)
        {
            // A full disk gets its space back.
            Discard(part, longest: long.MaxValue);
            throw;
        }
        finally
        {
            _lost += silence.Elapsed;
            Discard(part, longest: 0);
        }
    }

    /// <summary>Asks for a file, and where the answer says, as long as that is the web: the handler's own redirects throw for other schemes.</summary>
    private static async Task<HttpResponseMessage> RequestAsync(Uri from, long have, CancellationToken cancel)
    {
        for (int redirects = 0; ; redirects++)
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, from);
            request.Headers.Range = have > 0 ? new RangeHeaderValue(have, null) : null;
            // Not every wait inside (name look-up, proxies) ends with the token at once: the waits here do.
            HttpResponseMessage response = await Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancel).WaitAsync(cancel);
            if ((int)response.StatusCode is not (301 or 302 or 303 or 307 or 308) || response.Headers.Location is not { } location || redirects == MostRedirects
                || !Uri.TryCreate(from, location, out Uri? next) || next.Host.Length == 0 || next.Scheme != Uri.UriSchemeHttps && next.Scheme != from.Scheme)
            {
                return response;
            }

            response.Dispose();
            from = next;
        }
    }

    /// <summary>A part is a file of this downloader's: through a link its bytes would go elsewhere, and a pipe never takes them.</summary>
    private static bool DiscardForeign(string part)
    {
        if (new FileInfo(part).LinkTarget is not null || Native.FileKind.Odd(part) is not (null or "a folder"))
        {
            File.Delete(part);
        }

        return true;
    }

    private static void Discard(string part, long longest)
    {
        if (new FileInfo(part) is { Exists: true } file && file.Length <= longest)
        {
            file.Delete();
        }
    }

    private static string? Accept(ManifestFile file, string part, string path)
    {
        string found;
        try
        {
            found = Convert.ToHexStringLower(Idx.HashOf(part, file.Bytes));
        }
        catch (WorkbookException e) when (e.InnerException is InvalidDataException or null)
        {
            File.Delete(part);
            return "sent a damaged file";
        }

        if (found != file.Sha256)
        {
            File.Delete(part);
            return $"checksum mismatch: SHA-256 {found[..12]}… instead of {file.Sha256[..12]}…";
        }

        return Local<string?>(path, () =>
        {
            File.Move(part, path, overwrite: true);
            return null;
        });
    }

    /// <summary>A fault of this machine's disk ends the download: another mirror can't mend it.</summary>
    private static T Local<T>(string path, Func<T> work)
    {
        try
        {
            return work();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new WorkbookException(
                $"{path} can't be written ({e.Message}): free some space there, or set {EnvironmentVariables.Cache} to another folder", e);
        }
    }
}
