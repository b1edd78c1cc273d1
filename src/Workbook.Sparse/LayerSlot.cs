using System.Reflection;
using System.Runtime.CompilerServices;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Workbook;

/// <summary>A place in a model that holds a layer, and where another can be put. TorchSharp has no way of its own to exchange a module.</summary>
/// <param name="Name">As in <c>named_modules</c>.</param>
/// <param name="Layer">What is there.</param>
/// <param name="Container">The module it is a child of.</param>
/// <param name="NameInContainer">Its name as a child.</param>
internal sealed record LayerSlot(string Name, nn.Module Layer, nn.Module Container, string NameInContainer)
{
    /// <summary>The places of all layers that can be sparse, in the model's order.</summary>
    internal static IEnumerable<LayerSlot> OfDense(nn.Module model) => Of(model, module => module is Linear or Conv2d, "");

    /// <summary>The places of all layers that are.</summary>
    internal static IEnumerable<LayerSlot> OfSparse(nn.Module model) => Of(model, module => module is SparseLayer, "");

    /// <summary>The places of all layers that may hand planes on, or have to be kept from them.</summary>
    internal static IEnumerable<LayerSlot> OfPlanes(nn.Module model) =>
        Of(model, module => module is IPlanesLayer or BatchNorm2d or ParameterLessModule<Tensor, Tensor>, "");

    /// <summary>The places of all layers that stand for another.</summary>
    internal static IEnumerable<LayerSlot> OfStandIns(nn.Module model) => Of(model, module => module is IStandIn, "");

    /// <summary>Why no layer of another kind can be put here; null if it can.</summary>
    internal string? ObstacleTo(Type kind)
    {
        if (Container is Sequential)
        {
            return null;
        }

        string container = Container.GetType().Name;
        return Field() is not { } found ? $"{container} does not let its layers be exchanged: use a Sequential, or a field declared as nn.Module<Tensor, "
            + $"Tensor>"
            : found.FieldType.IsAssignableFrom(kind) ? null
            : $"the field {found.Name} of {container} is declared as {found.FieldType.Name}: declare it as nn.Module<Tensor, Tensor>";
    }

    /// <summary>Puts another layer here, under the same name, in the same order and mode.</summary>
    internal void Put(nn.Module<Tensor, Tensor> layer)
    {
        layer.train(Layer.training);
        if (Container is Sequential sequence)
        {
            List<nn.IModule<Tensor, Tensor>> modules = ModulesOf(sequence);
            modules[modules.FindIndex(module => ReferenceEquals(module, Layer))] = layer;
            return;
        }

        Field()!.SetValue(Container, layer);
        foreach ((string name, nn.Module child) in Container.named_children().ToArray())
        {
            Container.register_module(name, null!); // takes it out
            Container.register_module(name, name == NameInContainer ? layer : child);
        }
    }

    private static IEnumerable<LayerSlot> Of(nn.Module model, Func<nn.Module, bool> isOne, string prefix) =>
        model.named_children().ToArray().SelectMany(child => isOne(child.module)
            ? [new LayerSlot(prefix + child.name, child.module, model, child.name)]
            : Of(child.module, isOne, $"{prefix}{child.name}."));

    private FieldInfo? Field()
    {
        List<FieldInfo> holding = [];
        for (Type? type = Container.GetType(); type is not null; type = type.BaseType)
        {
            holding.AddRange(type.GetFields(BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly)
                .Where(candidate => ReferenceEquals(candidate.GetValue(Container), Layer)));
        }

        // Two fields may share a layer: each place is the one that it is named after.
        return holding.Find(field => field.Name == NameInContainer) ?? holding.FirstOrDefault();
    }

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "_modules")]
    private static extern ref List<nn.IModule<Tensor, Tensor>> ModulesOf(Sequential sequence);
}
