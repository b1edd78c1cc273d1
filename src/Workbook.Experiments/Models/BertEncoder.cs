using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Workbook;

/// <summary>An encoder of text in the manner of BERT (Devlin et al. 2019), norms first: embedded tokens and positions, blocks, a classifier of the first.</summary>
public sealed class BertEncoder : nn.Module<Tensor, Tensor>
{
    private readonly Embedding tokens;
    private readonly Parameter positions;
    private readonly LayerNorm first, last;
    private readonly Sequential blocks;
    private readonly Linear pooler, head;

    /// <param name="seed">Determines the weights, together with the initializer.</param>
    /// <param name="words">Of the vocabulary.</param>
    /// <param name="length">The most tokens of a text.</param>
    /// <param name="width">Of the stream, a multiple of <paramref name="heads"/>.</param>
    /// <param name="depth">How many blocks.</param>
    /// <param name="heads">Of each attention.</param>
    /// <param name="classes">Of the classifier.</param>
    /// <param name="initializer">By default <see cref="Initializer.HeNormal"/>.</param>
    public BertEncoder(int seed, int words = 1000, int length = 32, int width = 64, int depth = 4, int heads = 4, int classes = 2,
        Initializer? initializer = null)
        : base(nameof(BertEncoder))
    {
        tokens = nn.Embedding(words, width);
        using (Generator generator = RandomStream.Of(seed, "positions"))
        {
            positions = new Parameter(randn([length, width], generator: generator) * 0.02);
        }

        (first, last) = (nn.LayerNorm(width), nn.LayerNorm(width));
        blocks = nn.Sequential(Enumerable.Range(0, depth).Select(_ => (nn.Module<Tensor, Tensor>)new TransformerBlock(width, heads, 4 * width)).ToArray());
        (pooler, head) = (nn.Linear(width, width), nn.Linear(width, classes));
        RegisterComponents();
        (initializer ?? Initializer.HeNormal).Apply(this, seed);
    }

    /// <param name="input">Int64 [batch, tokens], numbers of words.</param>
    /// <returns>Logits [batch, classes].</returns>
    public override Tensor forward(Tensor input)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor x = first.forward(tokens.forward(input) + positions.narrow(0, 0, input.shape[1])); // [batch, tokens, width]
        x = last.forward(blocks.forward(x)).select(1, 0);
        return head.forward(pooler.forward(x).tanh()).MoveToOuterDisposeScope();
    }
}
