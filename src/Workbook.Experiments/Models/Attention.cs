using static TorchSharp.torch;

namespace Workbook;

/// <summary>What heads attend to (Vaswani et al. 2017).</summary>
internal static class Attention
{
    /// <param name="query">[batch, tokens, width], a part of the width for each head.</param>
    /// <param name="key">As the query.</param>
    /// <param name="value">As the query.</param>
    /// <param name="heads">How many; −1 for as many as there are of <paramref name="size"/>.</param>
    /// <param name="size">Of a head; −1 for what is left of the width.</param>
    /// <param name="scale">Of the products.</param>
    /// <param name="mask">Added to the scaled products; of a shape that fits [batch, heads, tokens, tokens].</param>
    /// <returns>[batch, tokens, width].</returns>
    internal static Tensor Of(Tensor query, Tensor key, Tensor value, int heads, int size, double scale, Tensor? mask = null)
    {
        Tensor products = Heads(query).Times(scale).matmul(Heads(key).transpose(-2, -1));
        Tensor weights = (mask is null ? products : products.Plus(mask)).softmax(-1); // [batch, heads, tokens, tokens]
        return weights.matmul(Heads(value)).transpose(1, 2).flatten(2);

        // [batch, tokens, width] → [batch, heads, tokens, size].
        Tensor Heads(Tensor x) => x.view(x.shape[0], x.shape[1], heads, size).transpose(1, 2);
    }
}
