using System.Collections;
using System.Reflection;
using static TorchSharp.torch;

namespace Workbook;

/// <summary>Hooks on a model's modules. Where there are some the model has to run as it is: nobody knows what they are for.</summary>
internal static class Hooks
{
    /// <summary>Whether a module, or one in it, has any.</summary>
    internal static bool AreOn(nn.Module model) => model.modules().Prepend(model).Any(module => Fields(module.GetType())
        .Any(field => field.GetValue(module) is ICollection { Count: > 0 }));

    // TorchSharp says of a module what hooks it has to no one.
    private static IEnumerable<FieldInfo> Fields(Type? type) => type is null ? [] : type
        .GetFields(BindingFlags.Instance | BindingFlags.NonPublic | BindingFlags.DeclaredOnly)
        .Where(field => field.Name is "pre_hooks" or "post_hooks" or "module_pre_hooks" or "module_post_hooks").Concat(Fields(type.BaseType));
}
