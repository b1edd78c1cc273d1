using System.Runtime.CompilerServices;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Workbook;

/// <summary>A batch norm in training takes more than one value a channel: the variance of one is not a number. PyTorch refuses it, TorchSharp does
/// not.</summary>
internal static class BatchOfOne
{
    /// <summary>Refuses one example where a norm can't take it.</summary>
    /// <param name="model">Any model.</param>
    /// <param name="data">The first example is tried.</param>
    /// <param name="what">What is made of one example.</param>
    /// <exception cref="WorkbookException">A norm gets one value a channel.</exception>
    internal static void Refuse(nn.Module<Tensor, Tensor> model, LabelledTensors data, string what)
    {
        NormBase[] untracked = [.. model.modules().OfType<NormBase>().Where(n => n is BatchNorm && n.running_var is null)];
        if (untracked.Length == 0 && !model.buffers().Any())
        {
            return;
        }

        using DisposeScope scope = NewDisposeScope();
        using ModelGuard guard = new(model, training: true);
        using IDisposable noGrad = no_grad();
        using Tensor random = get_rng_state();
        string? before = Numbers.Unsound(Buffers());
        try
        {
            Tensor mean = zeros(1, data.Inputs.dtype, data.Inputs.device);
            Array.ForEach(untracked, n => Track(n, mean.expand(n.num_features).clone(), mean.Plus(1).expand(n.num_features).clone()));
            model.Answer(data.Inputs.narrow(0, 0, 1));
            if (before is null && Numbers.Unsound(Buffers()) is { } buffer)
            {
                data.RequireFinite();
                throw new WorkbookException($"{what}, of which the norm '{buffer[..Math.Max(0, buffer.LastIndexOf('.'))]}' gets one value a channel, "
                    + "too few for a variance: take another batch size, or leave an example out");
            }
        }
        finally
        {
            Array.ForEach(untracked, n => Track(n, null, null));
            set_rng_state(random);
        }

        // Norms without statistics show it too if they have some for a moment.
        static void Track(NormBase norm, Tensor? mean, Tensor? variance)
        {
            SetTracking(norm, mean is not null);
            (norm.running_mean, norm.running_var) = (mean!, variance!);
        }

        IEnumerable<KeyValuePair<string, Tensor>> Buffers() => model.named_buffers().Select(b => KeyValuePair.Create(b.name, b.buffer));
    }

    [UnsafeAccessor(UnsafeAccessorKind.Method, Name = "set_track_running_stats")]
    private static extern void SetTracking(NormBase norm, bool isTracking);
}
