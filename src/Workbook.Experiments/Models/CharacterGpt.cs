using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Workbook;

/// <summary>
/// A small language model of characters (the decoder of Radford et al. 2019): characters and places are embedded, blocks attend to what came before, and a
/// linear layer says which character comes next.
/// </summary>
public sealed class CharacterGpt : nn.Module<Tensor, Tensor>
{
    private readonly Embedding characters, places;
    private readonly Sequential blocks;
    private readonly LayerNorm norm;
    private readonly nn.Module<Tensor, Tensor> head;

    /// <param name="seed">Determines the weights.</param>
    /// <param name="count">Characters of the alphabet.</param>
    /// <param name="length">The most characters that it sees.</param>
    /// <param name="width">Of the stream, a multiple of <paramref name="heads"/>.</param>
    /// <param name="depth">How many blocks.</param>
    /// <param name="heads">Of each attention.</param>
    public CharacterGpt(int seed, int count, int length = 64, int width = 96, int depth = 3, int heads = 4)
        : base(nameof(CharacterGpt))
    {
        (characters, places, norm) = (nn.Embedding(count, width), nn.Embedding(length, width), nn.LayerNorm(width));
        blocks = nn.Sequential(Enumerable.Range(0, depth)
            .Select(_ => (nn.Module<Tensor, Tensor>)new TransformerBlock(width, heads, 4 * width, causal: true)).ToArray());
        head = nn.Linear(width, count);
        RegisterComponents();
        Initializer.GlorotNormal.Apply(this, seed);
        using IDisposable noGrad = no_grad();
        foreach ((string name, Parameter table) in named_parameters().Where(p => p.name is "characters.weight" or "places.weight"))
        {
            using DisposeScope scope = NewDisposeScope();
            using Generator generator = RandomStream.Of(seed, name);
            table.copy_(randn(table.shape, generator: generator).Times(0.1));
        }
    }

    /// <param name="input">Int64 [batch, characters], of at most the length.</param>
    /// <returns>Logits of the next character [batch, alphabet, characters], as a cross-entropy takes them.</returns>
    public override Tensor forward(Tensor input)
    {
        using DisposeScope scope = NewDisposeScope();
        using Scalar length = input.shape[1];
        Tensor x = characters.call(input).Plus(places.call(arange(HeldNumbers.Zero, length, HeldNumbers.One, int64)));
        return head.call(norm.call(blocks.call(x))).transpose(1, 2).MoveToOuterDisposeScope();
    }
}
