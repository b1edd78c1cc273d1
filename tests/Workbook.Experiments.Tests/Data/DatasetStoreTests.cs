using System.Diagnostics;
using Xunit;

namespace Workbook.Tests;

public sealed class DatasetStoreTests : IDisposable
{
    private static readonly Patience Patient = new(TimeSpan.FromSeconds(20), TimeSpan.FromSeconds(20));
    private readonly SmallSet _set = new();

    private string Cache => Path.Combine(_set.Folder, "cache");

    private string Named => Path.Combine(_set.Folder, "named");

    public void Dispose() => _set.Dispose();

    private DatasetStore Store(bool offline = false, Patience? trying = null, params Uri[] mirrors) =>
        new(_set.Manifest(mirrors), Cache, offline ? "nothing is downloaded (WORKBOOK_OFFLINE)" : null, Patient, trying ?? Patience.Trying);

    private string Fails(string dataset, string? directory, bool offline = false)
    {
        string message = Assert.Throws<WorkbookException>(() => Store(offline).Open(dataset, directory, null)).Message;
        Assert.DoesNotContain('\n', message);
        return message;
    }

    [Theory]
    [InlineData("mnist", true, true)]
    [InlineData("auto", true, true)]
    [InlineData("auto", false, true)]
    [InlineData("mnist", false, false)]
    public void A_named_folder_is_read_as_it_is(string dataset, bool inside, bool zipped)
    {
        string folder = _set.Write(inside ? Path.Combine(Named, "mnist") : Named, zipped);
        string[] before = Directory.GetFiles(folder);
        ImageSet set = Store(offline: true).Open(dataset, Named, null);
        Assert.Equal(("mnist", "MNIST", SmallSet.Train, SmallSet.Test), (set.Name, set.Title, set.Train.Count, set.Test.Count));
        Assert.Equal(_set.Contents["train-images-idx3-ubyte"][16..], set.Train.Images);
        Assert.Equal("MNIST from the folder that was named", set.Source);
        Assert.Equal(before, Directory.GetFiles(folder));
        Assert.False(Directory.Exists(Cache));
    }

    [Fact]
    public void Images_are_standardized_by_their_own_sets_numbers_unless_others_are_given()
    {
        _set.Write(Named);
        LabelledImages images = Store().Open("mnist", Named, null).Test;
        float first = images.Images[0] / 255f;
        Assert.Equal((first - 0.5f) / 0.25f, LabelledTensors.FromImages(images).Inputs[0, 0, 0, 0].item<float>(), 1e-6f);
        Assert.Equal(first, LabelledTensors.FromImages(images, mean: 0, deviation: 1).Inputs[0, 0, 0, 0].item<float>(), 1e-6f);
        Assert.Equal([0.1307, 0.286], Manifest.Embedded.Datasets.Select(d => d.Mean));
    }

    [Fact]
    public void Content_that_was_never_published_is_used_and_said()
    {
        _set.Contents["t10k-images-idx3-ubyte"][20] ^= 1;
        _set.Write(Named);
        _set.Contents["t10k-images-idx3-ubyte"][20] ^= 1;
        ImageSet set = Store().Open("auto", Named, null);
        Assert.Contains("not the published one", set.Source);
        Assert.NotEqual(Store().Open("auto", _set.Write(Path.Combine(_set.Folder, "other")), null).Hash, set.Hash);
        Assert.False(Store().List(Named)[0].Verified);
    }

    [Fact]
    public void Files_missing_in_a_named_folder_are_listed_and_nothing_is_downloaded()
    {
        using var mirror = Mirror.Good(_set);
        _set.Write(Named);
        File.Delete(Path.Combine(Named, "t10k-labels-idx1-ubyte.gz"));
        string message = Assert.Throws<WorkbookException>(() => Store(mirrors: mirror.Uri).Open("auto", Named, null)).Message;
        Assert.Contains($"{Named} lacks t10k-labels-idx1-ubyte.gz:", message);
        Assert.Empty(mirror.Requests);
    }

    [Theory]
    [InlineData("{0}", false)] // as the archives call them: train-images.idx3-ubyte
    [InlineData("{0}.gz", true)]
    [InlineData("MNIST/raw/{1}", false)] // torchvision
    [InlineData("raw/{1}.gz", true)]
    [InlineData("{1}/{1}", false)] // Kaggle
    [InlineData("{0}/{0}.gz", true)]
    [InlineData("mnist/{0}", false)]
    public void Folders_as_others_lay_them_out_are_read(string layout, bool zipped)
    {
        foreach ((string name, byte[] content) in _set.Contents)
        {
            string path = Path.Combine(Named, string.Format(null, layout, name.Replace("-idx", ".idx", StringComparison.Ordinal), name));
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            File.WriteAllBytes(path, zipped ? SmallSet.Gzip(content) : content);
        }

        Assert.Equal("MNIST from the folder that was named", Store(offline: true).Open("mnist", Named, null).Source);
        Assert.Contains(Store().List(Named), s => s is { Name: "mnist", Verified: true });
    }

    [Theory]
    [InlineData("archive.zip", "unpack archive.zip")]
    [InlineData("mnist_train.csv", "mnist_train.csv there is of another format")]
    [InlineData("mnist.npz", "another format")]
    [InlineData("emnist-digits-train-images-idx3-ubyte.gz", "renamed")]
    [InlineData("notes.txt", "out to download")]
    public void What_lies_there_instead_is_told(string file, string says)
    {
        Directory.CreateDirectory(Named);
        File.WriteAllText(Path.Combine(Named, file), "");
        string message = Fails("mnist", Named);
        Assert.Contains($"{Named} lacks train-images-idx3-ubyte.gz", message);
        Assert.Contains(says, message);
    }

    [Theory]
    [InlineData("../outside")]
    [InlineData("/outside")]
    [InlineData("a/b")]
    [InlineData(@"a\b")]
    [InlineData("..")]
    [InlineData("")]
    [InlineData("nul.x")]
    [InlineData("a\n")]
    public void A_manifest_whose_names_lead_elsewhere_is_refused(string name)
    {
        ManifestEntry entry = _set.Manifest().Datasets[0];
        foreach (ManifestEntry bad in (ManifestEntry[])[entry with { Name = name }, entry with { TestLabels = entry.TestLabels with { Name = name } }])
        {
            Assert.Contains("no plain name", Assert.Throws<WorkbookException>(() => new Manifest([entry, bad])).Message);
        }
    }

    [Fact]
    public void A_path_that_is_a_file_or_nothing_is_named()
    {
        Assert.Contains("there is no folder", Fails("auto", Named));
        File.WriteAllText(Named, "");
        Assert.Contains("is a file", Fails("auto", Named));
    }

    [Fact]
    public void Counts_that_disagree_are_named()
    {
        _set.Contents["train-labels-idx1-ubyte"] = SmallSet.Labels(SmallSet.Train - 1);
        string message = Fails("mnist", _set.Write(Named));
        Assert.Contains("40 images", message);
        Assert.Contains("39 labels", message);
    }

    [Fact]
    public void The_other_data_set_is_not_taken_for_the_one_asked_for() =>
        Assert.Contains("holds MNIST, not Fashion-MNIST", Fails("fashion-mnist", _set.Write(Named)));

    [Fact]
    public void Unknown_names_get_the_choice() =>
        Assert.Contains("choose one of mnist, fashion-mnist, digits, auto", Fails("imagenet", null));

    [Fact]
    public void A_download_is_kept_for_the_next_notebook()
    {
        string first;
        using (var mirror = Mirror.Good(_set))
        {
            ImageSet set = Store(trying: Patient, mirrors: mirror.Uri).Open("auto", null, null);
            Assert.Equal("MNIST, downloaded", set.Source);
            first = set.Hash;
        }

        ImageSet again = Store(offline: true).Open("auto", null, null);
        Assert.Equal(("MNIST from the cache", first), (again.Source, again.Hash));
    }

    [Fact]
    public void Auto_falls_back_to_the_digits_within_five_seconds_when_mirrors_hang()
    {
        using var one = Mirror.Silent();
        using var two = Mirror.Silent();
        Patience trying = new(TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(1));
        var lines = new List<string>();
        var clock = Stopwatch.StartNew();
        ImageSet set = Store(trying: trying, mirrors: [one.Uri, two.Uri]).Open("auto", null, lines.Add);
        // Drawing the digits is part of it; the margin is for a busy machine.
        Assert.InRange(clock.Elapsed.TotalSeconds, 0.9, 20);
        Assert.Equal((1, 1), (one.Requests.Count, two.Requests.Count));
        Assert.Equal("digits", set.Name);
        Assert.Contains("MNIST is not in the cache and could not be downloaded", set.Source);
        Assert.Contains(lines, l => l.Contains("silent for 0.5 s", StringComparison.Ordinal));
        Assert.InRange(Patience.Trying.Lost.TotalSeconds, 1, 4.9);
    }

    [Fact]
    public void Offline_is_said_and_nobody_is_asked()
    {
        using var mirror = Mirror.Good(_set);
        ImageSet set = Store(offline: true, mirrors: mirror.Uri).Open("auto", null, null);
        Assert.Contains("WORKBOOK_OFFLINE", set.Source);
        Assert.Contains("WORKBOOK_OFFLINE", Fails("mnist", null, offline: true));
        Assert.Empty(mirror.Requests);
    }

    [Fact]
    public void The_list_tells_what_is_here()
    {
        _set.Write(Path.Combine(Cache, "mnist"));
        IReadOnlyList<DatasetStatus> list = Store().List(null);
        Assert.Equal(["mnist", "fashion-mnist", "digits"], list.Select(s => s.Name));
        Assert.Equal([(true, true), (false, false), (true, true)], list.Select(s => (s.Present, s.Verified)));
        Assert.Equal(list[0].DownloadBytes, list[0].Bytes);
    }

    [Fact]
    public void The_embedded_manifest_is_complete()
    {
        Manifest manifest = Manifest.Embedded;
        Assert.Equal(["mnist", "fashion-mnist"], manifest.Datasets.Select(d => d.Name));
        Assert.All(manifest.Datasets, d => Assert.True(d.Mirrors.Count >= 2 && d.Mirrors.All(m => m.AbsoluteUri.EndsWith('/'))));
        Assert.All(manifest.Datasets.SelectMany(d => d.Files), f => Assert.Matches("^[0-9a-f]{64}$", f.Sha256));
        Assert.Equal("ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db", manifest.Find("mnist").TrainImages.Sha256);
    }
}
