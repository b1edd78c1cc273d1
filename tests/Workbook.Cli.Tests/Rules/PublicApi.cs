using System.Globalization;
using System.Reflection;
using System.Runtime.CompilerServices;

namespace Workbook.Cli.Tests.Rules;

/// <summary>The public types and members of an assembly, as C# would write them, a line each.</summary>
internal static class PublicApi
{
    private const BindingFlags Declared =
        BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly;

    private static readonly Dictionary<Type, string> s_keywords = new()
    {
        [typeof(void)] = "void",
        [typeof(object)] = "object",
        [typeof(string)] = "string",
        [typeof(bool)] = "bool",
        [typeof(byte)] = "byte",
        [typeof(int)] = "int",
        [typeof(long)] = "long",
        [typeof(uint)] = "uint",
        [typeof(float)] = "float",
        [typeof(double)] = "double",
    };

    private static readonly NullabilityInfoContext s_nullability = new();

    internal static IEnumerable<string> Of(Assembly assembly) =>
        assembly.GetExportedTypes().Where(type => !type.FullName!.Contains('<')).OrderBy(type => type.FullName, StringComparer.Ordinal).SelectMany(Of);

    internal static IEnumerable<string> Of(Type type)
    {
        IEnumerable<string> members = type.IsEnum ? type.GetEnumNames().Select(name => $"{Name(type)}.{name}")
            : type.IsSubclassOf(typeof(Delegate)) ? []
            : type.GetMembers(Declared).Where(IsWritten).Select(member => Line(type, member)).OfType<string>();
        return members.Order(StringComparer.Ordinal).Prepend(Head(type));
    }

    private static string Head(Type type)
    {
        if (type.IsEnum)
        {
            return $"enum {Name(type)}";
        }

        if (type.IsSubclassOf(typeof(Delegate)))
        {
            return $"delegate {Name(type)}{Signature(type.GetMethod("Invoke")!)}";
        }

        string marks = type.IsInterface ? "interface" : type.IsValueType ? "struct" : (type.IsAbstract, type.IsSealed) switch
        {
            (true, true) => "static class",
            (true, false) => "abstract ",
            (false, true) => "sealed ",
            _ => "",
        };
        string kind = type.IsClass && !marks.EndsWith("class", StringComparison.Ordinal) ? marks + (IsRecord(type) ? "record" : "class") : marks;
        IEnumerable<Type> bases = type.GetInterfaces().Where(i => i.IsPublic && !IsOfARecord(type, i)).OrderBy(Name, StringComparer.Ordinal);
        bases = type.BaseType is { } b && b != typeof(object) && b != typeof(ValueType) ? bases.Prepend(b) : bases;
        return $"{kind} {Name(type)}{(bases.Any() ? " : " + string.Join(", ", bases.Select(Name)) : "")}";
    }

    private static bool IsRecord(Type type) => type.GetMethod("<Clone>$", Declared) is not null;

    private static bool IsOfARecord(Type type, Type implemented) =>
        implemented.IsGenericType && implemented.GetGenericTypeDefinition() == typeof(IEquatable<>)
        && implemented.GetGenericArguments()[0].IsAssignableFrom(type);

    /// <summary>Public and protected members that somebody has written: not those that the compiler adds to records.</summary>
    private static bool IsWritten(MemberInfo member) => !member.Name.Contains('<') && member switch
    {
        MethodBase { IsSpecialName: true } and not ConstructorInfo and not { Name: ['o', 'p', '_', ..] } => false,
        MethodBase method => IsOpen(method) && !method.IsDefined(typeof(CompilerGeneratedAttribute)),
        PropertyInfo property => property.GetAccessors(nonPublic: true).Any(IsOpen) && property.Name != "EqualityContract",
        FieldInfo field => field.IsPublic || field.IsFamily || field.IsFamilyOrAssembly,
        EventInfo e => IsOpen(e.AddMethod!),
        _ => false,
    };

    private static bool IsOpen(MethodBase method) => method.IsPublic || method.IsFamily || method.IsFamilyOrAssembly;

    private static string? Line(Type type, MemberInfo member) => $"{Name(type)}." + member switch
    {
        ConstructorInfo constructor => Plain(type.Name) + Parameters(constructor),
        MethodInfo method => method.Name + Generic(method.GetGenericArguments()) + Signature(method) + Marks(method),
        PropertyInfo property => $"{(property.GetIndexParameters().Length > 0 ? $"this[{List(property.GetIndexParameters())}]" : property.Name)}"
            + $" : {Name(property.PropertyType)}{Question(property.PropertyType, s_nullability.Create(property).ReadState)}"
            + $" {Accessors(property)}{Marks(property.GetAccessors(nonPublic: true)[0])}",
        FieldInfo { IsLiteral: true } constant => $"{constant.Name} : {Name(constant.FieldType)} = {Value(constant.GetRawConstantValue())}",
        FieldInfo field => $"{field.Name} : {Name(field.FieldType)}{(field.IsStatic ? " (static)" : "")}",
        _ => member.ToString(),
    };

    private static string Marks(MethodBase method) => (method.IsStatic ? " (static)" : "")
        + (method.IsAbstract && !method.DeclaringType!.IsInterface ? " (abstract)" : "")
        + (method.IsFamily || method.IsFamilyOrAssembly ? " (protected)" : "");

    private static string Accessors(PropertyInfo property)
    {
        bool init = property.SetMethod?.ReturnParameter.GetRequiredCustomModifiers().Contains(typeof(IsExternalInit)) == true;
        string set = property.SetMethod is not { } setter || !IsOpen(setter) ? "" : init ? "init; " : "set; ";
        return $"{{ {(property.GetMethod is { } get && IsOpen(get) ? "get; " : "")}{set}}}";
    }

    private static string Signature(MethodInfo method) =>
        $"{Parameters(method)} : {Name(method.ReturnType)}{Question(method.ReturnType, s_nullability.Create(method.ReturnParameter).ReadState)}";

    private static string Parameters(MethodBase method) => $"({(method.IsDefined(typeof(ExtensionAttribute)) ? "this " : "")}{List(method.GetParameters())})";

    private static string List(ParameterInfo[] parameters) => string.Join(", ", parameters.Select(p =>
        (p.IsDefined(typeof(ParamArrayAttribute)) || p.IsDefined(typeof(ParamCollectionAttribute)) ? "params "
            : p.IsOut ? "out " : p.ParameterType.IsByRef ? "ref " : "")
        + $"{Name(p.ParameterType)}{Question(p.ParameterType, s_nullability.Create(p).WriteState)} {p.Name}"
        + (p.HasDefaultValue ? " = " + Value(p.RawDefaultValue) : "")));

    private static string Question(Type type, NullabilityState state) =>
        type is { IsValueType: false, IsGenericParameter: false } && state == NullabilityState.Nullable ? "?" : "";

    private static string Value(object? value) => value switch
    {
        null => "null",
        string text => $"\"{text}\"",
        bool flag => flag ? "true" : "false",
        _ => Convert.ToString(value, CultureInfo.InvariantCulture)!,
    };

    private static string Generic(Type[] arguments) => arguments.Length == 0 ? "" : $"<{string.Join(", ", arguments.Select(Name))}>";

    private static string Plain(string name) => name.Split('`')[0];

    /// <summary>E.g. <c>nn.Module&lt;Tensor, Tensor&gt;</c>: without namespaces, and without the class torch around everything.</summary>
    private static string Name(Type type)
    {
        if (type.IsByRef || type.IsPointer || type.IsArray)
        {
            return Name(type.GetElementType()!) + (type.IsArray ? "[]" : type.IsPointer ? "*" : "");
        }

        if (Nullable.GetUnderlyingType(type) is { } underlying)
        {
            return Name(underlying) + "?";
        }

        string around = type.DeclaringType is { } outer && !type.IsGenericParameter && outer != typeof(TorchSharp.torch) ? Name(outer) + "." : "";
        return s_keywords.GetValueOrDefault(type) ?? around + Plain(type.Name) + Generic(type.GetGenericArguments());
    }
}
