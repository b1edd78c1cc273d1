using static TorchSharp.torch;

namespace Workbook;

/// <summary>From images [n, channels, height, width] to <see cref="Workbook.Planes"/> and back, as autograd sees it: (tensor) → tensor.</summary>
internal sealed class PlanesFunction : autograd.SingleTensorFunction<PlanesFunction>
{
    /// <inheritdoc/>
    public override string Name => nameof(PlanesFunction);

    /// <summary>The images of planes; images are given back.</summary>
    internal static Tensor Images(Tensor tensor) => Workbook.Planes.Are(tensor) ? Exchange(tensor) : tensor;

    /// <summary>The planes of images; planes are given back.</summary>
    internal static Tensor Planes(Tensor tensor) => Workbook.Planes.Are(tensor) ? tensor : Exchange(tensor);

    /// <inheritdoc/>
    public override Tensor forward(autograd.AutogradContext ctx, params object[] vars) => Plain((Tensor)vars[0]);

    /// <inheritdoc/>
    public override List<Tensor> backward(autograd.AutogradContext ctx, Tensor grad_output) => [Exchange(grad_output)];

    private static Tensor Exchange(Tensor tensor) => is_grad_enabled() && tensor.requires_grad ? apply(tensor) : Plain(tensor);

    private static Tensor Plain(Tensor tensor)
    {
        using Tensor rows = tensor.contiguous();
        return Workbook.Planes.Are(tensor) ? Workbook.Planes.ToImages(rows) : Workbook.Planes.Of(rows);
    }
}
