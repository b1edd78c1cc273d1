using TorchSharp;
using Xunit;
using static TorchSharp.torch;

namespace Workbook.Tests;

public sealed class CharacterGptTests
{
    private static readonly TextSource s_text = new("grammar", "a grammar's text", "", Grammar.Draw(200_000), Grammar.Entropy);

    [Fact]
    public void What_comes_later_does_not_change_what_is_said_before()
    {
        using DisposeScope scope = NewDisposeScope();
        CharacterGpt network = new(1, 10, length: 8, width: 16, depth: 2, heads: 4);
        Tensor one = arange(8, ScalarType.Int64).reshape(1, 8), other = one.clone();
        other[0, 5] = 9;
        Tensor before = network.call(one), after = network.call(other);
        Assert.Equal([1, 10, 8], before.shape);
        Assert.True(before.narrow(2, 0, 5).equal(after.narrow(2, 0, 5)).all().item<bool>());
        Assert.False(before.narrow(2, 5, 3).allclose(after.narrow(2, 5, 3)));
    }

    [Fact]
    public void It_learns_the_grammar_and_can_not_beat_its_entropy()
    {
        using DisposeScope scope = NewDisposeScope();
        Characters letters = new(s_text);
        LabelledTensors train = letters.Windows(0, 2000, 32), held = letters.Windows(0.9, 100, 32);
        CharacterGpt network = new(1, letters.Alphabet.Length, length: 32, width: 32, depth: 1);
        double untrained = Trainer.Evaluate(network, held).Loss;
        Trainer.Train(network, train, new() { Optimizer = OptimizerKind.Adam, LearningRate = 5e-3, BatchSize = 16, Epochs = 1 }, seed: 1);
        double guessing = Math.Log(letters.Alphabet.Length);
        Assert.InRange(untrained, guessing, 1.3 * guessing);
        Assert.InRange(Trainer.Evaluate(network, held).Loss, s_text.Entropy!.Value, 0.7 * guessing);
    }

    [Fact]
    public void Windows_follow_each_other_and_their_labels_are_a_character_ahead()
    {
        using DisposeScope scope = NewDisposeScope();
        Characters letters = new(s_text with { Content = string.Concat(Enumerable.Repeat("abcde", 20)) });
        LabelledTensors windows = letters.Windows(0, 3, 4);
        Assert.Equal("abcde", letters.Alphabet);
        Assert.Equal([0, 1, 2, 3, 4, 0, 1, 2, 3, 4, 0, 1], windows.Inputs.data<long>().ToArray());
        Assert.Equal([1, 2, 3, 4, 0, 1, 2, 3, 4, 0, 1, 2], windows.Labels.data<long>().ToArray());
        Assert.Contains("go beyond", Assert.Throws<WorkbookException>(() => letters.Windows(0.9, 3, 4)).Message, StringComparison.Ordinal);
    }
}
