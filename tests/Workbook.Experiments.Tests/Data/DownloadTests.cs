using System.Text;
using Xunit;

namespace Workbook.Tests;

public sealed class DownloadTests : IDisposable
{
    private static readonly Patience Short = new(TimeSpan.FromSeconds(2), TimeSpan.FromSeconds(15)); // a busy machine answers late, too
    private static readonly Patience Long = new(TimeSpan.FromSeconds(20), TimeSpan.FromSeconds(20));
    private readonly SmallSet _set = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private string Cache => Path.Combine(_set.Folder, "cache");

    private string Target => Path.Combine(Cache, "mnist");

    public void Dispose() => _set.Dispose();

    private DatasetStore Store(Patience patience, params Uri[] mirrors) => new(_set.Manifest(mirrors), Cache, offline: null, patience, patience);

    private static void AssertFetched(DatasetStore store) => Assert.True(store.List(null)[0] is { Present: true, Verified: true });

    /// <summary>One line, and nothing under a final name, whole or half.</summary>
    private string Fails(Patience patience, params Uri[] mirrors)
    {
        string message = Assert.Throws<WorkbookException>(() => Store(patience, mirrors).Fetch("mnist", null, null, Token)).Message;
        Assert.DoesNotContain('\n', message);
        Assert.Empty(Directory.Exists(Target) ? Directory.GetFiles(Target, "*ubyte.gz") : []);
        return message;
    }

    [Fact]
    public void Fetches_checks_and_reports_progress()
    {
        using var mirror = Mirror.Good(_set);
        var seen = new Seen();
        DatasetStore store = Store(Long, mirror.Uri);
        Assert.Equal(Target, store.Fetch("mnist", null, seen, Token));
        AssertFetched(store);
        Assert.Equal(4, seen.Of.Select(p => p.File).Distinct().Count());
        Assert.All(seen.Of, p => Assert.True(p.Received > 0 && p.Received <= p.Total));
        Assert.Empty(Directory.GetFiles(Target, "*.part"));
        Assert.Equal(4, mirror.Requests.Count);

        store.Fetch("mnist", null, seen, Token);
        Assert.Equal(4, mirror.Requests.Count);
    }

    [Fact]
    public void Silent_mirror_is_given_up_and_the_next_one_serves_all_files()
    {
        using var silent = Mirror.Silent();
        using var good = Mirror.Good(_set);
        DatasetStore store = Store(Short, silent.Uri, good.Uri);
        store.Fetch("mnist", null, null, Token);
        AssertFetched(store);
        Assert.Single(silent.Requests);
    }

    [Fact]
    public void Mirror_that_falls_silent_in_the_middle_is_given_up()
    {
        using var mirror = new Mirror(async (_, _, stream) =>
        {
            await Mirror.RespondAsync(stream, "200 OK", [0x1f, 0x8b, 8, 0], claim: 1000);
            await Task.Delay(TimeSpan.FromSeconds(30));
        });
        Assert.Contains("silent for", Fails(Short, mirror.Uri));
    }

    [Theory]
    [InlineData("404 Not Found", "no such file", "answered 404")]
    [InlineData("200 OK", "<!DOCTYPE html><html>please sign in</html>", "a web page?")]
    public void Nonsense_answers_are_named(string status, string body, string expected)
    {
        using var mirror = new Mirror((_, _, stream) => Mirror.RespondAsync(stream, status, Encoding.ASCII.GetBytes(body)));
        Assert.Contains(expected, Fails(Long, mirror.Uri));
        Assert.Empty(Directory.GetFiles(Target, "*.part"));
    }

    [Fact]
    public void Other_content_is_a_checksum_mismatch()
    {
        using var mirror = new Mirror((_, _, stream) => Mirror.RespondAsync(stream, "200 OK", SmallSet.Gzip(SmallSet.Images(SmallSet.Train, 99))));
        Assert.Contains("checksum mismatch", Fails(Long, mirror.Uri));
        Assert.Empty(Directory.GetFiles(Target, "*.part"));
    }

    [Fact]
    public void Damaged_gzip_is_refused()
    {
        using var mirror = new Mirror((_, _, stream) => Mirror.RespondAsync(stream, "200 OK", [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0, 255, 255, 255]));
        Assert.Contains("damaged", Fails(Long, mirror.Uri));
    }

    [Fact]
    public void Endless_answer_is_cut_off()
    {
        using var mirror = new Mirror(async (_, _, stream) =>
        {
            byte[] junk = new byte[100_000];
            (junk[0], junk[1]) = (0x1f, 0x8b);
            await Mirror.RespondAsync(stream, "200 OK", junk, claim: int.MaxValue);
            await Task.Delay(TimeSpan.FromSeconds(30));
        });
        Assert.Contains("more bytes than", Fails(Long, mirror.Uri));
    }

    [Fact]
    public void Connection_dropped_without_an_answer_and_a_dead_port_are_both_survived()
    {
        Uri dead;
        using (var gone = Mirror.Silent())
        {
            dead = gone.Uri;
        }

        using var dropping = new Mirror((_, _, _) => Task.CompletedTask);
        using var good = Mirror.Good(_set);
        string message = Fails(Long, dead, dropping.Uri);
        Assert.Equal(2, message.Split("127.0.0.1: ").Length - 1);
        DatasetStore store = Store(Long, dead, dropping.Uri, good.Uri);
        store.Fetch("mnist", null, null, Token);
        AssertFetched(store);
    }

    [Fact]
    public void Dropped_connection_is_resumed_where_it_broke_off()
    {
        int drops = 0;
        using var dropping = new Mirror((name, from, stream) =>
        {
            byte[] all = SmallSet.Gzip(_set.Contents[Path.GetFileNameWithoutExtension(name)]);
            return Interlocked.Increment(ref drops) == 1
                ? Mirror.RespondAsync(stream, "200 OK", all[..100], claim: all.Length)
                : Mirror.SendAsync(_set, name, from, stream);
        });
        Assert.Contains("broke off", Fails(Long, dropping.Uri));
        Assert.Equal(100, new FileInfo(Path.Combine(Target, "train-images-idx3-ubyte.gz.part")).Length);

        DatasetStore store = Store(Long, dropping.Uri);
        store.Fetch("mnist", null, null, Token);
        AssertFetched(store);
        Assert.Equal(("train-images-idx3-ubyte.gz", 100), dropping.Requests.ElementAt(1));
    }

    [Fact]
    public void Useless_part_of_an_earlier_attempt_is_thrown_away()
    {
        using var mirror = Mirror.Good(_set);
        Directory.CreateDirectory(Target);
        File.WriteAllBytes(Path.Combine(Target, "train-images-idx3-ubyte.gz.part"), new byte[50]);
        DatasetStore store = Store(Long, mirror.Uri);
        store.Fetch("mnist", null, null, Token);
        AssertFetched(store);
        Assert.Equal([50, 0], mirror.Requests.Take(2).Select(r => r.From));
    }

    [Fact]
    public void Damaged_file_in_the_cache_is_fetched_again()
    {
        using var mirror = Mirror.Good(_set);
        _set.Write(Target);
        File.WriteAllBytes(Path.Combine(Target, "t10k-labels-idx1-ubyte.gz"), [1, 2, 3]);
        ImageSet set = Store(Long, mirror.Uri).Open("mnist", null, null);
        Assert.Equal(SmallSet.Test, set.Test.Count);
        Assert.Equal("t10k-labels-idx1-ubyte.gz", Assert.Single(mirror.Requests).Name);
    }

    [Fact]
    public void Many_at_once_download_each_file_once()
    {
        using var mirror = Mirror.Good(_set);
        Parallel.For(0, 6, new ParallelOptions { MaxDegreeOfParallelism = 6 }, _ =>
            Assert.Equal(SmallSet.Train, Store(Long, mirror.Uri).Open("mnist", null, null).Train.Count));
        AssertFetched(Store(Long, mirror.Uri));
        Assert.Equal(4, mirror.Requests.Count);
    }

    [Fact]
    public void Full_disk_ends_the_download_in_one_line()
    {
        Assert.SkipUnless(FullDisk.IsToBeHad(_set.Folder), FullDisk.Needs);
        using var mirror = Mirror.Good(_set);
        (int exitCode, string error) = FullDisk.Run(_set.Folder, "size=4k,nr_inodes=6", "\"$2\"",
            FetchChild.Start(Path.Combine(_set.Folder, "cache"), mirror.Uri));
        Assert.Equal(2, exitCode);
        string line = Assert.Single(error.Split('\n', StringSplitOptions.RemoveEmptyEntries));
        Assert.Contains("can't be written", line);
        Assert.Contains("WORKBOOK_CACHE", line);
    }

    [Fact]
    public void What_is_in_the_way_of_a_part_is_told_and_no_other_mirror_is_tried()
    {
        using var mirror = Mirror.Good(_set);
        Directory.CreateDirectory(Path.Combine(Target, "train-images-idx3-ubyte.gz.part"));
        string message = Fails(Long, mirror.Uri, mirror.Uri);
        Assert.Contains("can't be written", message);
        Assert.Contains("WORKBOOK_CACHE", message);
        Assert.Single(mirror.Requests);
    }

    [Theory]
    [InlineData("victim")]
    [InlineData("not there yet")]
    [InlineData("/dev/full")]
    public void A_part_that_is_a_link_is_replaced_and_what_it_leads_to_stays(string leadsTo)
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "links for everybody are Unix's");
        using var mirror = Mirror.Good(_set);
        Directory.CreateDirectory(Target);
        string victim = Path.Combine(_set.Folder, "victim");
        File.WriteAllText(victim, "precious");
        File.CreateSymbolicLink(Path.Combine(Target, "train-images-idx3-ubyte.gz.part"), Path.Combine(_set.Folder, leadsTo));
        DatasetStore store = Store(Long, mirror.Uri);
        store.Fetch("mnist", null, null, Token);
        AssertFetched(store);
        Assert.Equal("precious", File.ReadAllText(victim));
        Assert.False(File.Exists(Path.Combine(_set.Folder, "not there yet")));
        Assert.All(Directory.GetFiles(Target), path => Assert.Null(new FileInfo(path).LinkTarget));
    }

    [Fact]
    public void A_mirror_that_sends_a_byte_now_and_then_is_given_up()
    {
        using var dripping = new Mirror(async (_, _, stream) =>
        {
            await Mirror.RespondAsync(stream, "200 OK", [0x1f, 0x8b], claim: 1_000_000);
            while (true)
            {
                await stream.WriteAsync(new byte[1]);
                await Task.Delay(50);
            }
        });
        using var good = Mirror.Good(_set);
        Assert.Contains("127.0.0.1: too slow", Fails(Short, dripping.Uri));
        DatasetStore store = Store(Short, dripping.Uri, good.Uri);
        store.Fetch("mnist", null, null, Token);
        AssertFetched(store);
    }

    [Theory]
    [InlineData("file:///etc/passwd", "redirect to file:")]
    [InlineData("ftp://127.0.0.1/x", "redirect to ftp:")]
    [InlineData("/again", "answered 302")]
    public void A_redirect_that_leads_nowhere_names_the_mirror_and_the_next_is_tried(string location, string says)
    {
        using var redirecting = new Mirror((_, _, stream) => Mirror.RespondAsync(stream, "302 Found", [], extra: $"Location: {location}\r\n"));
        using var good = Mirror.Good(_set);
        Assert.Contains($"127.0.0.1: {(says.StartsWith("answered", StringComparison.Ordinal) ? says : "answered 302 Found (a " + says)}",
            Fails(Long, redirecting.Uri));
        DatasetStore store = Store(Long, redirecting.Uri, good.Uri);
        store.Fetch("mnist", null, null, Token);
        AssertFetched(store);
    }

    [Theory]
    [InlineData("500 \u001b]0;owned\u0007\u001b[2J")]
    [InlineData("404 \u0008\u0008\u0008fine")]
    public void A_mirrors_words_can_not_steer_the_terminal(string status)
    {
        using var hostile = new Mirror((_, _, stream) => Mirror.RespondAsync(stream, status, []));
        string message = Fails(Long, hostile.Uri);
        Assert.Contains("127.0.0.1: ", message);
        Assert.DoesNotContain(message, char.IsControl);
    }

    [Fact]
    public void Cache_path_that_is_a_file_is_named()
    {
        using var mirror = Mirror.Good(_set);
        File.WriteAllText(Cache, "");
        Assert.Contains("can't be made", Fails(Long, mirror.Uri));
        Assert.Empty(mirror.Requests);
    }

    [Fact]
    public void Cancelling_ends_it_and_leaves_no_final_file()
    {
        using var silent = Mirror.Silent();
        using var cancel = new CancellationTokenSource(200);
        Assert.ThrowsAny<OperationCanceledException>(() => Store(Long, silent.Uri).Fetch("mnist", null, null, cancel.Token));
        Assert.Empty(Directory.GetFiles(Target, "*.gz"));
    }

    private sealed class Seen : IProgress<DownloadProgress>
    {
        public List<DownloadProgress> Of { get; } = [];

        public void Report(DownloadProgress value) => Of.Add(value);
    }
}
