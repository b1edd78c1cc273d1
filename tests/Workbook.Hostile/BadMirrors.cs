using System.IO.Compression;
using System.Text;
using Workbook.Tests;

namespace Workbook.Hostile;

/// <summary>A data set fetched from mirrors of which each does something wrong, or nothing: what is there afterwards is whole, or it is not there.</summary>
internal sealed class BadMirrors : Attack
{
    private static readonly Patience s_short = new(TimeSpan.FromSeconds(0.5), TimeSpan.FromSeconds(2));

    private static readonly string[] s_elsewhere = ["file:///etc/passwd", "http://127.0.0.1:1/x"];

    public override int Share => 1;

    public override string? Try(Random random, string folder)
    {
        using SmallSet set = new();
        Mirror[] mirrors = [.. Enumerable.Range(0, random.Next(1, 4)).Select(_ => new Mirror(Behaviour(random, set)))];
        try
        {
            string cache = Path.Combine(folder, "cache"), target = Path.Combine(cache, "mnist");
            DatasetStore store = new(set.Manifest([.. mirrors.Select(m => m.Uri)]), cache, offline: null, s_short, s_short);
            string? fault = null;
            bool fetched = false;
            try
            {
                store.Fetch("mnist", null, null, CancellationToken.None);
                fetched = true;
            }
            catch (WorkbookException e)
            {
                fault = FaultOf(e.Message);
            }

            bool whole = store.List(null)[0] is { Present: true, Verified: true };
            string[] named = Directory.Exists(target) ? Directory.GetFiles(target, "*ubyte.gz") : [];
            return fault ?? (fetched != whole ? $"fetched: {fetched}, whole: {whole}"
                : named.FirstOrDefault(path => !Content(path).SequenceEqual(set.Contents[Path.GetFileNameWithoutExtension(path)])) is { } other
                    ? $"{other} is not what it should be"
                : Directory.EnumerateFileSystemEntries(folder).Count() > 1 ? "something is beside the cache" : null);
        }
        finally
        {
            Array.ForEach(mirrors, m => m.Dispose());
        }
    }

    // What a checksum is of: another header of the same content is none of its business.
    private static byte[] Content(string path)
    {
        using GZipStream zip = new(File.OpenRead(path), CompressionMode.Decompress);
        using MemoryStream content = new();
        zip.CopyTo(content);
        return content.ToArray();
    }

    private static Func<string, long, Stream, Task> Behaviour(Random random, SmallSet set)
    {
        int kind = random.Next(12), seed = random.Next(), after = random.Next(4), asked = 0;
        return async (name, from, stream) =>
        {
            // Some behave for a while.
            if (Interlocked.Increment(ref asked) <= after || kind == 0)
            {
                await Mirror.SendAsync(set, name, from, stream);
                return;
            }

            Random here = new(seed + asked);
            byte[] right = SmallSet.Gzip(set.Contents[Path.GetFileNameWithoutExtension(name)]);
            byte[] wrong = Damage.Bytes(here, right);
            await (kind switch
            {
                1 => Mirror.RespondAsync(stream, "200 OK", wrong),
                2 => Mirror.RespondAsync(stream, "200 OK", right, claim: here.Next(2 * right.Length)),
                3 => Mirror.RespondAsync(stream, $"{here.Next(100, 600)} \u001b[31mOdd", wrong),
                4 => Mirror.RespondAsync(stream, "302 Found", [], extra: $"Location: {s_elsewhere[here.Next(2)]}\r\n"),
                5 => Mirror.RespondAsync(stream, "206 Partial Content", right, extra: $"Content-Range: bytes {here.Next(9)}-{here.Next()}/9\r\n"),
                6 => stream.WriteAsync(wrong).AsTask(),
                7 => Drip(stream, right),
                8 => Mirror.RespondAsync(stream, "200 OK", Encoding.ASCII.GetBytes("<html>\u001b[2J sign in</html>")),
                9 => Mirror.RespondAsync(stream, "200 OK", SmallSet.Gzip(new byte[10_000_000])),
                10 => Mirror.RespondAsync(stream, "200 OK", right, extra: $"Content-Encoding: gzip\r\nX: {new string('x', 100_000)}\r\n"),
                _ => Task.CompletedTask,
            });
        };
    }

    // A byte now and then, without end.
    private static async Task Drip(Stream stream, byte[] right)
    {
        await Mirror.RespondAsync(stream, "200 OK", [], claim: right.Length);
        for (int i = 0; i < right.Length; i++)
        {
            await stream.WriteAsync(right.AsMemory(i, 1));
            await Task.Delay(300);
        }
    }
}
