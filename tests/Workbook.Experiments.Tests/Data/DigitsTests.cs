using Xunit;

namespace Workbook.Tests;

public sealed class DigitsTests
{
    [Fact]
    public void The_frozen_data_set_has_not_changed()
    {
        ImageSet set = Digits.Generate();
        Assert.Equal((60_000, 10_000), (set.Train.Count, set.Test.Count));
        Assert.Equal("b4a335253b35a8d3451b25f3d5ffcbb79dea6ae04c845b13bbb48fa247840072", set.Hash);
    }

    [Fact]
    public void A_smaller_set_is_the_beginning_of_a_larger_one()
    {
        ImageSet small = Digits.Generate(seed: 5, train: 300, test: 70), large = Digits.Generate(seed: 5, train: 1000, test: 400);
        Assert.Equal(small.Train.Images, large.Train.Images[..(300 * 784)]);
        Assert.Equal(small.Test.Labels, large.Test.Labels[..70]);
    }

    [Fact]
    public void Seeds_and_splits_differ()
    {
        ImageSet one = Digits.Generate(1, 200, 200), two = Digits.Generate(2, 200, 200);
        Assert.NotEqual(one.Hash, two.Hash);
        Assert.NotEqual(one.Train.Images, one.Test.Images);
    }

    [Fact]
    public void Framed_as_MNIST_is()
    {
        LabelledImages set = Digits.Generate(3, 2000, 1).Train;
        for (int i = 0; i < set.Count; i++)
        {
            ReadOnlySpan<byte> image = set.Images.AsSpan(i * 784, 784);
            (int left, int right, int top, int bottom, double mass, double x, double y) = (28, -1, 28, -1, 0, 0, 0);
            for (int p = 0; p < 784; p++)
            {
                if (image[p] > 0)
                {
                    (left, right) = (Math.Min(left, p % 28), Math.Max(right, p % 28));
                    (top, bottom) = (Math.Min(top, p / 28), Math.Max(bottom, p / 28));
                    (mass, x, y) = (mass + image[p], x + (image[p] * (p % 28)), y + (image[p] * (p / 28)));
                }
            }

            Assert.InRange(right - left, 1, 19);
            Assert.InRange(bottom - top, 1, 19);
            Assert.True(left >= 1 && top >= 1 && right <= 26 && bottom <= 26, $"image {i} touches the border");
            Assert.InRange(x / mass, 11.5, 15.5);
            Assert.InRange(y / mass, 11.5, 15.5);
        }
    }

    [Fact]
    public void Every_class_is_about_as_frequent()
    {
        LabelledImages set = Digits.Generate(4, 5000, 1).Train;
        Assert.All(Enumerable.Range(0, 10), c => Assert.InRange(set.Labels.Count(l => l == c), 400, 600));
    }

    [Fact]
    public void Impossible_counts_are_refused() =>
        Assert.Throws<ArgumentOutOfRangeException>(() => Digits.Generate(1, 0, 10));
}
