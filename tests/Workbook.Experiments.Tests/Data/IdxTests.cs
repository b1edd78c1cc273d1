using CsCheck;
using Xunit;

namespace Workbook.Tests;

public sealed class IdxTests : IDisposable
{
    private readonly SmallSet _small = new();

    public void Dispose() => _small.Dispose();

    private string File(byte[] content)
    {
        string path = Path.Combine(_small.Folder, Guid.NewGuid().ToString("N"));
        System.IO.File.WriteAllBytes(path, content);
        return path;
    }

    private static string OneLine(Action act)
    {
        string message = Assert.Throws<WorkbookException>(act).Message;
        Assert.DoesNotContain('\n', message);
        return message;
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Plain_and_gzip_files_read_the_same(bool zipped)
    {
        byte[] images = SmallSet.Images(3, 7), labels = SmallSet.Labels(12);
        IdxFile pixels = Idx.ReadImages(File(zipped ? SmallSet.Gzip(images) : images));
        IdxFile classes = Idx.ReadLabels(File(zipped ? SmallSet.Gzip(labels) : labels));
        Assert.Equal([3, 4, 4], pixels.Dimensions);
        Assert.Equal(images[16..], pixels.Data);
        Assert.Equal([12], classes.Dimensions);
        Assert.Equal(labels[8..], classes.Data);
    }

    [Fact]
    public void A_file_cut_anywhere_is_refused()
    {
        byte[] whole = SmallSet.Images(20, 3), zipped = SmallSet.Gzip(whole);
        Gen.Int[0, whole.Length - 1].Sample(n => OneLine(() => Idx.ReadImages(File(whole[..n]))).Length > 0, iter: 50, threads: 1);
        // The last eight bytes of a gzip file are its checksum and length, the one or two before may hold nothing but the
        // end mark: cutting those loses no content.
        Gen.Int[0, zipped.Length - 11].Sample(n => OneLine(() => Idx.ReadImages(File(zipped[..n]))).Length > 0, iter: 50, threads: 1);
    }

    [Fact]
    public void Truncated_gzip_names_the_file_and_the_remedy()
    {
        string path = File(SmallSet.Gzip(SmallSet.Images(20, 3))[..100]);
        string message = OneLine(() => Idx.ReadImages(path));
        Assert.Contains(path, message);
        Assert.Contains("cut short", message);
        Assert.Contains("workbook data fetch", message);
    }

    [Fact]
    public void Wrong_magic_says_what_was_found()
    {
        Assert.Contains("0x00000801 instead of 0x00000803", OneLine(() => Idx.ReadImages(File(SmallSet.Labels(10)))));
        Assert.Contains("0x00000803 instead of 0x00000801", OneLine(() => Idx.ReadLabels(File(SmallSet.Images(2, 1)))));
    }

    [Fact]
    public void A_sound_file_in_the_wrong_place_is_not_to_be_deleted()
    {
        string exchanged = OneLine(() => Idx.ReadImages(File(SmallSet.Labels(10)))),
            floats = OneLine(() => Idx.ReadImages(File(SmallSet.Header(0xd03, 1, 1, 1))));
        string letters = OneLine(() => Idx.ReadLabels(File([.. SmallSet.Header(0x801, 1), 26])));
        Assert.Contains("exchanged", exchanged);
        Assert.Contains("other numbers", floats);
        Assert.Contains("ten classes", letters);
        Assert.Contains("other numbers", OneLine(() => Idx.ReadLabels(File(SmallSet.Header(0x802, 1, 1)))));
        Assert.Contains("unpack", OneLine(() => Idx.ReadImages(File([.. "PK\u0003\u0004"u8, .. new byte[30]]))));
        Assert.Contains("git lfs pull", OneLine(() => Idx.ReadLabels(File([.. "version https://git-lfs.github.com/spec/v1"u8]))));
        Assert.All([exchanged, floats, letters], message => Assert.DoesNotContain("get it again", message));
        Assert.DoesNotContain("delete", OneLine(() => Idx.ReadImages(File([1, 2, 3, 4, 5]))));
    }

    [Theory]
    [InlineData(1000 * 300 * 300, 200, "goes on after")]
    [InlineData(1000 * 300 * 300, 50, "cut short")]
    public void A_bomb_of_a_few_kilobytes_takes_no_memory(int claimed, int megabytes, string fault)
    {
        string path = Path.Combine(_small.Folder, "bomb");
        using (FileStream file = System.IO.File.Create(path))
        using (var zip = new System.IO.Compression.GZipStream(file, System.IO.Compression.CompressionLevel.Fastest))
        {
            zip.Write(SmallSet.Header(0x803, claimed / 90_000, 300, 300));
            byte[] zeros = new byte[1_000_000];
            Array.ForEach(new int[megabytes], _ => zip.Write(zeros));
        }

        long before = GC.GetAllocatedBytesForCurrentThread();
        Assert.Contains(fault, OneLine(() => Idx.ReadImages(path)));
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 2_000_000);
    }

    [Fact]
    public void A_pipe_or_a_device_is_refused_and_not_waited_for()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "the names of devices are Linux's");
        string pipe = Path.Combine(_small.Folder, "pipe");
        Odd.Put("pipe", pipe);
        Assert.Contains("a pipe", OneLine(() => Idx.ReadImages(pipe)));
        Assert.Contains("a device", OneLine(() => Idx.HashOf("/dev/zero", 1L << 40)));
    }

    [Fact]
    public void A_header_that_claims_gigabytes_allocates_none()
    {
        string path = File([.. SmallSet.Header(0x803, 2_000_000, 28, 28), 1, 2, 3]);
        long before = GC.GetAllocatedBytesForCurrentThread();
        Assert.Contains("cut short: 3 of", OneLine(() => Idx.ReadImages(path)));
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 8_000_000);
    }

    [Theory]
    [InlineData(0, 28, 28)]
    [InlineData(-1, 28, 28)]
    [InlineData(int.MaxValue, int.MaxValue, int.MaxValue)]
    public void Impossible_sizes_are_refused(int count, int rows, int columns) =>
        Assert.Contains("impossible sizes", OneLine(() => Idx.ReadImages(File(SmallSet.Header(0x803, count, rows, columns)))));

    [Fact]
    public void Bytes_after_the_last_image_are_refused() =>
        Assert.Contains("goes on after", OneLine(() => Idx.ReadImages(File([.. SmallSet.Images(2, 1), 0]))));

    [Fact]
    public void A_label_beyond_nine_is_refused() =>
        Assert.Contains("label 17 at position 1", OneLine(() => Idx.ReadLabels(File([.. SmallSet.Header(0x801, 2), 3, 17]))));

    [Fact]
    public void A_folder_in_place_of_a_file_is_refused() =>
        Assert.Contains("can't be read", OneLine(() => Idx.ReadImages(_small.Folder)));
}
