using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Workbook;

/// <summary>A vision transformer (Dosovitskiy et al. 2021): patches as tokens behind one that stands for the class, learned positions, blocks, a
/// classifier.</summary>
public sealed class VisionTransformer : nn.Module<Tensor, Tensor>
{
    private readonly Conv2d patches;
    private readonly Parameter token, positions;
    private readonly Sequential blocks;
    private readonly LayerNorm norm;
    private readonly Linear head;

    /// <param name="seed">Determines the weights, together with the initializer.</param>
    /// <param name="channels">Of the images.</param>
    /// <param name="size">Of the images, a multiple of <paramref name="patch"/>.</param>
    /// <param name="patch">The side of a patch.</param>
    /// <param name="width">Of the stream, a multiple of <paramref name="heads"/>.</param>
    /// <param name="depth">How many blocks.</param>
    /// <param name="heads">Of each attention.</param>
    /// <param name="classes">Of the classifier.</param>
    /// <param name="initializer">By default <see cref="Initializer.HeNormal"/>.</param>
    public VisionTransformer(int seed, int channels = 1, int size = 28, int patch = 7, int width = 64, int depth = 4, int heads = 4, int classes = 10,
        Initializer? initializer = null)
        : base(nameof(VisionTransformer))
    {
        patches = nn.Conv2d(channels, width, patch, stride: patch);
        using (Generator generator = RandomStream.Of(seed, "positions"))
        {
            (token, positions) = (new Parameter(zeros(1, 1, width)),
                new Parameter(randn([1, (size / patch * (size / patch)) + 1, width], generator: generator).Times(0.02)));
        }

        blocks = nn.Sequential(Enumerable.Range(0, depth).Select(_ => (nn.Module<Tensor, Tensor>)new TransformerBlock(width, heads, 4 * width)).ToArray());
        (norm, head) = (nn.LayerNorm(width), nn.Linear(width, classes));
        RegisterComponents();
        (initializer ?? Initializer.HeNormal).Apply(this, seed);
    }

    /// <param name="input">[batch, channels, size, size].</param>
    /// <returns>Logits [batch, classes].</returns>
    public override Tensor forward(Tensor input)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor x = patches.call(input).flatten(2).transpose(1, 2); // [batch, tokens, width]
        x = cat([token.expand(x.shape[0], -1, -1), x], 1).Plus(positions);
        return head.call(norm.call(blocks.call(x)).select(1, 0)).MoveToOuterDisposeScope();
    }
}
