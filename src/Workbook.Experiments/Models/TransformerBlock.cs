using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Workbook;

/// <summary>A block of a transformer (Vaswani et al. 2017), with its norms first: attention by heads, then two linear layers, each added to what came
/// in.</summary>
internal sealed class TransformerBlock : nn.Module<Tensor, Tensor>
{
    private readonly nn.Module<Tensor, Tensor> query, key, value, output, up, down;
    private readonly LayerNorm norm1, norm2;
    private readonly int heads;
    private readonly bool causal;
    private readonly double scale;

    /// <param name="width">Of the stream, a multiple of <paramref name="heads"/>.</param>
    /// <param name="heads">Of the attention; queries, keys and values may lose the same channels of each.</param>
    /// <param name="hidden">Units between the two linear layers.</param>
    /// <param name="causal">Whether a token attends to those before it and to itself alone.</param>
    internal TransformerBlock(int width, int heads, int hidden, bool causal = false)
        : base(nameof(TransformerBlock))
    {
        (this.heads, this.causal) = (heads, causal);
        // A number of its own: it stays where heads lose channels.
        scale = 1 / Math.Sqrt((double)width / heads);
        (query, key, value, output) = (nn.Linear(width, width), nn.Linear(width, width), nn.Linear(width, width), nn.Linear(width, width));
        (up, down) = (nn.Linear(width, hidden), nn.Linear(hidden, width));
        (norm1, norm2) = (nn.LayerNorm(width), nn.LayerNorm(width));
        RegisterComponents();
    }

    /// <param name="input">[batch, tokens, width].</param>
    /// <returns>[batch, tokens, width].</returns>
    public override Tensor forward(Tensor input)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor x = input.Plus(Attended(norm1.call(input)));
        return x.Plus(Transformed(norm2.call(x))).MoveToOuterDisposeScope();
    }

    private Tensor Attended(Tensor x)
    {
        Tensor? later = causal ? HeldNumbers.Full([x.shape[1], x.shape[1]], double.NegativeInfinity, x.dtype).triu(1) : null;
        return output.call(Attention.Of(query.call(x), key.call(x), value.call(x), heads, -1, scale, later));
    }

    private Tensor Transformed(Tensor x) => down.call(nn.functional.gelu(up.call(x)));
}
