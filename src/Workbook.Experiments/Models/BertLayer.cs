using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Workbook;

/// <summary>Token, position and segment, added and normalized; all tokens are of the first segment.</summary>
internal sealed class BertEmbeddings : nn.Module<Tensor, Tensor>
{
    private readonly Embedding word_embeddings, position_embeddings, token_type_embeddings;
    private readonly LayerNorm LayerNorm;

    internal BertEmbeddings(int words, int length, int segments, int width)
        : base(nameof(BertEmbeddings))
    {
        (word_embeddings, position_embeddings) = (nn.Embedding(words, width), nn.Embedding(length, width));
        (token_type_embeddings, LayerNorm) = (nn.Embedding(segments, width), nn.LayerNorm(width, eps: BertLayer.Epsilon));
        Width = width;
        RegisterComponents();
    }

    internal int Width { get; }

    /// <param name="input">Int64 [batch, tokens].</param>
    /// <returns>[batch, tokens, width].</returns>
    public override Tensor forward(Tensor input)
    {
        using DisposeScope scope = NewDisposeScope();
        using Scalar length = input.shape[1];
        Tensor places = arange(HeldNumbers.Zero, length, HeldNumbers.One, int64);
        Tensor segment = token_type_embeddings.call(zeros(1, int64)); // [1, width]
        return LayerNorm.call(word_embeddings.call(input).Plus(position_embeddings.call(places)).Plus(segment)).MoveToOuterDisposeScope();
    }
}

/// <summary>A block of BERT (Devlin et al. 2019), under the names that PyTorch's has: attention, then two linear layers, each added to what came in and
/// normalized. Its heads have a size, not a number: it works on with those that are left.</summary>
internal sealed class BertLayer : nn.Module<Tensor, Tensor, Tensor>
{
    internal const double Epsilon = 1e-12;

    private readonly Attending attention;
    private readonly Dense intermediate;
    private readonly Summed output;

    internal BertLayer(int width, int attended, int size, int hidden)
        : base(nameof(BertLayer))
    {
        (attention, intermediate, output) = (new(width, attended, size), new(width, hidden), new(hidden, width));
        RegisterComponents();
    }

    /// <param name="input">[batch, tokens, width].</param>
    /// <param name="mask">[batch, 1, 1, tokens], 0 where there is a token.</param>
    /// <returns>[batch, tokens, width].</returns>
    public override Tensor forward(Tensor input, Tensor mask)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor x = attention.call(input, mask);
        return output.call(nn.functional.gelu(intermediate.call(x)), x).MoveToOuterDisposeScope();
    }

    private sealed class Attending : nn.Module<Tensor, Tensor, Tensor>
    {
        private readonly SelfAttention self;
        private readonly Summed output;

        internal Attending(int width, int attended, int size)
            : base(nameof(Attending))
        {
            (self, output) = (new(width, attended, size), new(attended, width));
            RegisterComponents();
        }

        public override Tensor forward(Tensor input, Tensor mask) => output.call(self.call(input, mask), input);
    }

    private sealed class SelfAttention : nn.Module<Tensor, Tensor, Tensor>
    {
        private readonly nn.Module<Tensor, Tensor> query, key, value;
        private readonly int size;

        internal SelfAttention(int width, int attended, int size)
            : base(nameof(SelfAttention))
        {
            this.size = size;
            (query, key, value) = (nn.Linear(width, attended), nn.Linear(width, attended), nn.Linear(width, attended));
            RegisterComponents();
        }

        public override Tensor forward(Tensor input, Tensor mask) =>
            Attention.Of(query.call(input), key.call(input), value.call(input), -1, size, 1 / Math.Sqrt(size), mask);
    }

    /// <summary>A linear layer, added to what came in, and normalized.</summary>
    private sealed class Summed : nn.Module<Tensor, Tensor, Tensor>
    {
        private readonly nn.Module<Tensor, Tensor> dense;
        private readonly LayerNorm LayerNorm;

        internal Summed(int from, int width)
            : base(nameof(Summed))
        {
            (dense, LayerNorm) = (nn.Linear(from, width), nn.LayerNorm(width, eps: Epsilon));
            RegisterComponents();
        }

        public override Tensor forward(Tensor input, Tensor before) => LayerNorm.call(dense.call(input).Plus(before));
    }

    /// <summary>A linear layer by the name of <c>dense</c>.</summary>
    internal sealed class Dense : nn.Module<Tensor, Tensor>
    {
        private readonly nn.Module<Tensor, Tensor> dense;

        internal Dense(int from, int to)
            : base(nameof(Dense))
        {
            dense = nn.Linear(from, to);
            RegisterComponents();
        }

        public override Tensor forward(Tensor input) => dense.call(input);
    }
}
