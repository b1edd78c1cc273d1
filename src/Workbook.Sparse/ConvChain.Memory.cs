using static TorchSharp.torch;

namespace Workbook;

/// <content>The parts of a chain, and where what goes through them lies.</content>
internal sealed unsafe partial class ConvChain
{
    /// <summary>A convolution, what normalizes it, and whether it is pooled then.</summary>
    private sealed record Stage(SparseConv2d Conv, PlanesNorm Norm, bool Pools, (int Height, int Width) Size)
    {
        internal PlaneSize In(int groups, int lanes) => new(groups, Conv.InChannels, Size.Height, Size.Width, lanes);

        internal PlaneSize Middle(int groups, int lanes) => In(groups, lanes) with { Channels = Conv.OutChannels };

        internal PlaneSize Out(int groups, int lanes) => Pools ? Middle(groups, lanes).Halved : Middle(groups, lanes);
    }

    /// <summary>The planes of a stage for batches of one size. What frames those that a convolution reads is zero and never written.</summary>
    private sealed class Memory : IDisposable
    {
        private readonly List<Tensor> _tensors = [];

        internal Memory(Stage stage, int groups, int lanes, Memory? before)
        {
            (InSize, MiddleSize, OutSize) = (stage.In(groups, lanes), stage.Middle(groups, lanes), stage.Out(groups, lanes));
            Plan = stage.Conv.PlanFor(InSize.Height, InSize.Width, lanes);
            In = before is null ? Room(InSize) : before.Out;
            Middle = Room(MiddleSize);
            MiddleGradient = Room(MiddleSize);
            Out = Room(OutSize);
            OutGradient = Room(OutSize);
            (Inverse, Factor, Shift) = (new float[MiddleSize.Channels], new float[MiddleSize.Channels], new float[MiddleSize.Channels]);
        }

        internal ConvPlan Plan { get; }

        internal PlaneSize InSize { get; }

        internal PlaneSize MiddleSize { get; }

        internal PlaneSize OutSize { get; }

        internal float* In { get; }

        internal float* Middle { get; }

        internal float* MiddleGradient { get; }

        internal float* Out { get; }

        internal float* OutGradient { get; }

        internal float[] Mean { get; set; } = [];

        internal float[] Variance { get; set; } = [];

        internal float[] Inverse { get; }

        internal float[] Factor { get; }

        internal float[] Shift { get; }

        public void Dispose() => _tensors.ForEach(t => t.Dispose());

        private float* Room(PlaneSize size)
        {
            Tensor room = zeros(size.Floats, ScalarType.Float32).DetachFromDisposeScope();
            _tensors.Add(room);
            return FeatureMajor.Pointer(room);
        }
    }
}
