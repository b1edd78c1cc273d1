using System.Runtime.CompilerServices;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Workbook;

/// <summary>
/// A model that works on a copy of its tensors until disposal: the objects stay, what they hold is exchanged. Put back, the model is as it was to the bit,
/// with its gradients, modes and the state of torch's random numbers.
/// </summary>
internal sealed class WorkingCopy : IDisposable
{
    private readonly nn.Module _model;
    private readonly Dictionary<Tensor, (Tensor Original, bool IsNative, bool RequiresGrad)> _tensors = new(ReferenceEqualityComparer.Instance);
    private readonly (nn.Module Module, bool Training)[] _modes;
    private readonly Tensor _random;

    /// <param name="model">Any module.</param>
    /// <param name="dtype">What its floating numbers become.</param>
    internal WorkingCopy(nn.Module model, ScalarType dtype)
    {
        _model = model;
        _random = get_rng_state().DetachFromDisposeScope();
        using IDisposable noGrad = no_grad();
        foreach (nn.Module module in model.named_modules().Select(m => m.module).Prepend(model))
        {
            foreach (Tensor tensor in module.named_parameters(false).Select(p => (Tensor)p.parameter).Concat(module.named_buffers(false).Select(b => b.buffer)))
            {
                if (tensor.IsInvalid || _tensors.ContainsKey(tensor))
                {
                    continue;
                }

                using DisposeScope scope = NewDisposeScope();
                if (IsNative(module))
                {
                    // libtorch's own modules hold the tensor itself: its contents are exchanged, of the same type.
                    _tensors[tensor] = (tensor.detach().DetachFromDisposeScope(), true, tensor.requires_grad);
                    tensor.set_(tensor.detach().clone());
                }
                else
                {
                    Tensor copy = (tensor.is_floating_point() ? tensor.detach().to(dtype, copy: true) : tensor.detach().clone()).DetachFromDisposeScope();
                    Swap(tensor, copy);
                    _tensors[tensor] = (copy, false, false);
                }
            }
        }

        _modes = ModelGuard.ModesOf(model);
        model.eval();
    }

    /// <summary>Whether a module computes inside of libtorch, with tensors and sizes of its own.</summary>
    internal static bool IsNative(nn.Module module) => module is Embedding or EmbeddingBag or LSTM or GRU or RNN or MultiheadAttention or LSTMCell or GRUCell
        or RNNCell;

    /// <summary>Exchanges what a tensor of the model holds.</summary>
    /// <param name="tensor">A parameter or buffer.</param>
    /// <param name="contents">Any shape.</param>
    /// <param name="gradient">Whether it is to have a gradient.</param>
    internal void Set(Tensor tensor, Tensor contents, bool gradient = false)
    {
        if (_tensors.TryGetValue(tensor, out var known) && known.IsNative)
        {
            using IDisposable noGrad = no_grad();
            tensor.requires_grad = false;
            tensor.set_(contents.detach().to(tensor.dtype).contiguous());
        }
        else
        {
            Tensor alias = contents.detach().alias().DetachFromDisposeScope();
            Swap(tensor, alias);
            alias.Dispose();
        }

        tensor.requires_grad = gradient;
    }

    /// <summary>Puts everything back.</summary>
    public void Dispose()
    {
        using IDisposable noGrad = no_grad();
        foreach ((Tensor tensor, (Tensor original, bool isNative, bool requiresGrad)) in _tensors)
        {
            if (isNative)
            {
                tensor.requires_grad = false;
                tensor.set_(original);
                tensor.requires_grad = requiresGrad;
            }
            else
            {
                Swap(tensor, original);
            }

            original.Dispose();
        }

        ModelGuard.Restore(_modes);
        set_rng_state(_random);
        _random.Dispose();
    }

    private static void Swap(Tensor one, Tensor other) => (Handle(one), Handle(other)) = (Handle(other), Handle(one));

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "handle")]
    private static extern ref nint Handle(Tensor tensor);
}
