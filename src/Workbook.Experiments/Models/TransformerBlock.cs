using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Workbook;

/// <summary>A block of a transformer (Vaswani et al. 2017), with its norms first or last: attention by heads, then two linear layers, each added to what
/// came in.</summary>
internal sealed class TransformerBlock : nn.Module<Tensor, Tensor>
{
    private readonly Linear query, key, value, output, up, down;
    private readonly LayerNorm norm1, norm2;
    private readonly int heads;
    private readonly bool normsLast;
    private readonly double scale;

    /// <param name="width">Of the stream, a multiple of <paramref name="heads"/>.</param>
    /// <param name="heads">Of the attention; queries, keys and values may lose the same channels of each.</param>
    /// <param name="hidden">Units between the two linear layers.</param>
    /// <param name="normsLast">Whether each sum is normalized, as in BERT, or what goes into attention and linear layers.</param>
    internal TransformerBlock(int width, int heads, int hidden, bool normsLast = false)
        : base(nameof(TransformerBlock))
    {
        (this.heads, this.normsLast) = (heads, normsLast);
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
        if (normsLast)
        {
            Tensor y = norm1.call(input.Plus(Attended(input)));
            return norm2.call(y.Plus(Transformed(y))).MoveToOuterDisposeScope();
        }

        Tensor x = input.Plus(Attended(norm1.call(input)));
        return x.Plus(Transformed(norm2.call(x))).MoveToOuterDisposeScope();
    }

    private Tensor Attended(Tensor x)
    {
        Tensor weights = Heads(query.call(x)).Times(scale).matmul(Heads(key.call(x)).transpose(-2, -1)).softmax(-1); // [batch, heads, tokens, tokens]
        Tensor attended = weights.matmul(Heads(value.call(x))).transpose(1, 2).flatten(2);
        return output.call(attended);
    }

    private Tensor Transformed(Tensor x) => down.call(nn.functional.gelu(up.call(x)));

    /// <summary>[batch, tokens, width] → [batch, heads, tokens, width / heads].</summary>
    private Tensor Heads(Tensor x) => x.view(x.shape[0], x.shape[1], heads, -1).transpose(1, 2);
}
