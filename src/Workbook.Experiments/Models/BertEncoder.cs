using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Workbook;

/// <summary>
/// The encoder of BERT (Devlin et al. 2019), without its segments and its masks: tokens and positions are embedded, added and normalized, then blocks with
/// their norms last; the first token, pooled, goes to a classifier.
/// </summary>
public sealed class BertEncoder : nn.Module<Tensor, Tensor>
{
    private readonly Embedding tokens, positions;
    private readonly LayerNorm norm;
    private readonly Sequential blocks;
    private readonly Linear pooler, head;

    /// <param name="seed">Determines the weights, together with the initializer.</param>
    /// <param name="words">Of the vocabulary.</param>
    /// <param name="length">The most tokens of a text.</param>
    /// <param name="width">Of the stream, a multiple of <paramref name="heads"/>.</param>
    /// <param name="depth">How many blocks.</param>
    /// <param name="heads">Of each attention.</param>
    /// <param name="classes">Of the classifier.</param>
    /// <param name="initializer">By default <see cref="Initializer.GlorotNormal"/>.</param>
    public BertEncoder(int seed, int words = 1000, int length = 64, int width = 64, int depth = 2, int heads = 4, int classes = 2,
        Initializer? initializer = null)
        : base(nameof(BertEncoder))
    {
        (tokens, positions, norm) = (nn.Embedding(words, width), nn.Embedding(length, width), nn.LayerNorm(width));
        blocks = nn.Sequential(Enumerable.Range(0, depth)
            .Select(_ => (nn.Module<Tensor, Tensor>)new TransformerBlock(width, heads, 4 * width, normsLast: true)).ToArray());
        (pooler, head) = (nn.Linear(width, width), nn.Linear(width, classes));
        RegisterComponents();
        (initializer ?? Initializer.GlorotNormal).Apply(this, seed);
        using IDisposable noGrad = no_grad();
        foreach ((string name, Embedding table) in new[] { ("tokens", tokens), ("positions", positions) })
        {
            using DisposeScope scope = NewDisposeScope();
            using Generator generator = RandomStream.Of(seed, name);
            table.weight!.copy_(randn(table.weight.shape, generator: generator).Times(0.02));
        }
    }

    /// <param name="input">Int64 [batch, tokens], of at most the length.</param>
    /// <returns>Logits [batch, classes].</returns>
    public override Tensor forward(Tensor input)
    {
        using DisposeScope scope = NewDisposeScope();
        using Scalar length = input.shape[1];
        Tensor x = norm.call(tokens.call(input).Plus(positions.call(arange(HeldNumbers.Zero, length, HeldNumbers.One, int64)))); // [batch, tokens, width]
        return head.call(pooler.call(blocks.call(x).select(1, 0)).tanh()).MoveToOuterDisposeScope();
    }
}
