using TorchSharp;
using static TorchSharp.torch;

namespace Workbook;

/// <summary>What one call of a convolution leaves for its backward pass, besides tensors.</summary>
/// <param name="Shape">The convolution.</param>
/// <param name="Pattern">Its kept weights.</param>
/// <param name="Plan">Where everything lies, for images of this size.</param>
/// <param name="Threads">At most so many.</param>
/// <param name="NeedsInputGradient">Whether the input asks for a gradient.</param>
/// <param name="HasBias">Whether there is one.</param>
/// <param name="FromPlanes">Whether the input is <see cref="Planes"/>, not images.</param>
/// <param name="ToPlanes">Whether the output is to be.</param>
internal sealed record ConvCall(
    ConvShape Shape, Csr Pattern, ConvPlan Plan, int Threads, bool NeedsInputGradient, bool HasBias, bool FromPlanes, bool ToPlanes);

/// <summary>
/// The convolution as autograd sees it: (input, values [nnz], bias [out] or null, <see cref="ConvCall"/>) → output, both images or
/// <see cref="Planes"/>. All checks are the layer's: nothing may be thrown in <see cref="backward"/>, which native code calls.
/// </summary>
internal sealed class ConvFunction : autograd.SingleTensorFunction<ConvFunction>
{
    /// <inheritdoc/>
    public override string Name => nameof(ConvFunction);

    /// <summary>What the kernel reads: the input itself, or its images in planes.</summary>
    internal static Tensor Memory(ConvPlan plan, Tensor input)
    {
        if (!plan.IsShared)
        {
            return plan.Pack(input);
        }

        Tensor planes = Planes.Are(input) ? input.contiguous() : Planes.Of(input);
        if (!plan.HasPhases)
        {
            return planes;
        }

        using (planes)
        {
            return plan.Split(planes);
        }
    }

    /// <summary>The product of checked tensors, without a graph.</summary>
    internal static unsafe Tensor Product(ConvCall call, Tensor memory, Tensor values, Tensor? bias, int width)
    {
        ConvPlan plan = call.Plan;
        int groups = (int)(memory.numel() / plan.InGroup), outputs = call.Shape.Outputs;
        Tensor output = plan.IsShared ? empty([groups, outputs + 1, plan.OutHeight + 1, plan.Pitch, plan.Lanes], ScalarType.Float32)
            : empty((long)groups * outputs * plan.OutHeight * plan.Pitch * plan.Lanes, ScalarType.Float32);
        float* to = FeatureMajor.Pointer(output);
        Product(call.Shape, plan, FeatureMajor.Pointer(memory), groups, values, bias, to, call.Threads, width);
        if (call.ToPlanes)
        {
            Planes.Clear(output);
            return output;
        }

        using (output)
        {
            return plan.IsShared ? Planes.ToImages(output) : plan.Unpack(to, groups);
        }
    }

    /// <summary>The same from one place of memory to another; of planes that stay, what frames them is not made zero.</summary>
    internal static unsafe void Product(ConvShape shape, ConvPlan plan, float* memory, int groups, Tensor values, Tensor? bias, float* to, int threads,
        int width)
    {
        int plane = (plan.IsShared ? plan.OutHeight + 1 : plan.OutHeight) * plan.Pitch * plan.Lanes;
        nint group = (nint)(plan.IsShared ? shape.Outputs + 1 : shape.Outputs) * plane;
        float* first = plan.IsShared ? to + plan.GradientOrigin : to;
        plan.Forward.InOrder(values, weights =>
        {
            for (int g = 0; g < groups; g++)
            {
                Kernels.Product(plan.Forward, 1, (float*)weights, bias is null ? null : FeatureMajor.Pointer(bias),
                    memory + ((nint)g * plan.InGroup), first + (g * group), plane, plan.Run, threads, width);
            }
        });
    }

    /// <inheritdoc/>
    public override Tensor forward(autograd.AutogradContext ctx, params object[] vars)
    {
        (Tensor input, Tensor values, Tensor? bias, ConvCall call) = ((Tensor)vars[0], (Tensor)vars[1], (Tensor?)vars[2], (ConvCall)vars[3]);
        Tensor memory = Memory(call.Plan, input);
        ctx.save_for_backward([input, values, memory]);
        ctx.save_data(nameof(ConvCall), call);
        return Product(call, memory, values, bias, Kernels.Widest);
    }

    /// <inheritdoc/>
    public override List<Tensor> backward(autograd.AutogradContext ctx, Tensor grad_output)
    {
        ConvCall call = (ConvCall)ctx.get_data(nameof(ConvCall));
        List<Tensor> saved = [];
        try
        {
            saved = ctx.get_saved_variables();
            if (is_grad_enabled())
            {
                return Differentiable(call, saved[0], saved[1], grad_output);
            }

            List<Tensor> gradients = Gradients(call, saved, grad_output);
            // Among zeros between rows ∞ would be NaN, also for weights that never meet it.
            return double.IsFinite(gradients[1].sum().item<float>()) ? gradients : Differentiable(call, saved[0], saved[1], grad_output);
        }
        catch (Exception)
        {
            // A weight or an input was changed in place since: an exception would end the process, NaN shows it.
            using Scalar none = double.NaN;
            Tensor nan = full([call.Pattern.Column.Length], none);
            return [call.NeedsInputGradient ? full(InputShape(call, grad_output), none) : null!, nan, call.HasBias
                ? full([call.Pattern.Rows], none) : null!, null!];
        }
        finally
        {
            saved.ForEach(tensor => tensor.Dispose());
        }
    }

    /// <summary>The gradients of the values and biases.</summary>
    internal static unsafe (Tensor Values, Tensor Bias) Gradients(ConvCall call, Tensor memory, Tensor planes, int width)
    {
        Tensor values = empty(call.Plan.Forward.At.Length, ScalarType.Float32), bias = zeros(call.Plan.Forward.Rows, ScalarType.Float32);
        Gradients(call.Plan, FeatureMajor.Pointer(memory), (int)(memory.numel() / call.Plan.InGroup), FeatureMajor.Pointer(planes),
            FeatureMajor.Pointer(values), FeatureMajor.Pointer(bias), call.Threads, width);
        return (values, bias);
    }

    /// <summary>The same to memory: values are overwritten, biases added to.</summary>
    internal static unsafe void Gradients(ConvPlan plan, float* memory, int groups, float* planes, float* values, float* bias, int threads, int width)
    {
        Walk walk = plan.Forward;
        using Tensor inOrder = zeros(walk.At.Length, ScalarType.Float32);
        for (int g = 0; g < groups; g++)
        {
            Kernels.Gradients(walk, 1, memory + ((nint)g * plan.InGroup), planes + ((nint)g * plan.GradientGroup) + plan.GradientOrigin,
                plan.GradientRows * plan.Pitch * plan.Lanes, FeatureMajor.Pointer(inOrder), bias, plan.Run, threads, width);
        }

        walk.Scatter(FeatureMajor.Pointer(inOrder), values);
    }

    /// <summary>The same kernel, with the transposed matrix.</summary>
    internal static unsafe void InputGradient(ConvPlan plan, Tensor values, float* planes, int groups, float* to, int threads) =>
        plan.Backward.InOrder(values, weights =>
        {
            for (int g = 0; g < groups; g++)
            {
                Kernels.Product(plan.Backward, 1, (float*)weights, null, planes + ((nint)g * plan.GradientGroup),
                    to + ((nint)g * plan.InputGradientGroup) + plan.InputGradientOrigin, plan.InputGradientRows * plan.Pitch * plan.Lanes,
                    plan.InputGradientRun, threads, Kernels.Widest);
            }
        });

    private static List<Tensor> Gradients(ConvCall call, List<Tensor> saved, Tensor gradient)
    {
        ConvPlan plan = call.Plan;
        (Tensor values, Tensor memory) = (saved[1], saved[2]);
        using Tensor planes = Planes.Are(gradient) ? gradient.contiguous() : plan.IsShared ? Planes.Of(gradient) : plan.PackGradient(gradient);
        (Tensor valueGradients, Tensor biasGradients) = Gradients(call, memory, planes, Kernels.Widest);
        return [call.NeedsInputGradient ? InputGradient(call, values, planes) : null!, valueGradients, call.HasBias
            ? biasGradients : null!, null!];
    }

    private static unsafe Tensor InputGradient(ConvCall call, Tensor values, Tensor planes)
    {
        ConvPlan plan = call.Plan;
        int groups = (int)(planes.numel() / plan.GradientGroup);
        bool direct = plan.IsShared && !plan.HasPhases;
        Tensor phases = direct ? empty([groups, plan.InChannels + 1, plan.InputGradientRows, plan.Pitch, plan.Lanes], ScalarType.Float32)
            : empty((long)groups * plan.InputGradientGroup, ScalarType.Float32);
        float* to = FeatureMajor.Pointer(phases);
        InputGradient(plan, values, FeatureMajor.Pointer(planes), groups, to, call.Threads);
        if (!direct)
        {
            using (phases)
            {
                return plan.Join(to, groups, call.FromPlanes);
            }
        }

        if (call.FromPlanes)
        {
            Planes.Clear(phases);
            return phases;
        }

        using (phases)
        {
            return Planes.ToImages(phases);
        }
    }

    /// <summary>For <c>create_graph</c>: the gradients by torch's own operations, as slow as a dense layer's and right to any order.</summary>
    private static List<Tensor> Differentiable(ConvCall call, Tensor input, Tensor values, Tensor gradient)
    {
        (ConvShape shape, Csr pattern) = (call.Shape, call.Pattern);
        Tensor at = pattern.Positions(), outer = PlanesFunction.Images(gradient);
        IList<Tensor> gradients = Planes.ByTorch(leaves => shape.Dense(leaves[0], zeros((long)pattern.Rows * pattern.Columns).scatter(0, at, leaves[1])
            .view(shape.Outputs, shape.Inputs / shape.Groups, shape.Kernel.Y, shape.Kernel.X), null), [PlanesFunction.Images(input), values], outer);
        return [call.NeedsInputGradient ? call.FromPlanes ? PlanesFunction.Planes(gradients[0]) : gradients[0] : null!,
            gradients[1], call.HasBias ? outer.sum([0L, 2L, 3L]) : null!, null!];
    }

    private static long[] InputShape(ConvCall call, Tensor gradient)
    {
        ConvPlan plan = call.Plan;
        long images = Planes.Are(gradient) ? gradient.shape[0] * plan.Lanes : gradient.shape[0];
        return call.FromPlanes ? [images / plan.Lanes, call.Shape.Inputs + 1, plan.Height + 1, plan.Width + 1, plan.Lanes]
            : [images, call.Shape.Inputs, plan.Height, plan.Width];
    }
}
