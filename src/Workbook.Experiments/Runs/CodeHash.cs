using System.Reflection;
using System.Reflection.Emit;
using System.Runtime.Loader;
using System.Security.Cryptography;
using System.Text;

namespace Workbook;

/// <summary>
/// What is executed, as a hash: the compiled code of a notebook's own functions and classes, with all of the notebook that they call, and the version of every
/// assembly that they reach. Comments are no part of it. What is called through a variable, a delegate in a dictionary say, can't be seen from the code: it is
/// to be named beside it.
/// </summary>
internal sealed class CodeHash
{
    private static readonly Dictionary<short, OpCode> s_codes = typeof(OpCodes).GetFields(BindingFlags.Public | BindingFlags.Static)
        .Select(f => (OpCode)f.GetValue(null)!).ToDictionary(code => code.Value);

    /// <summary>The library's own, all of it: whatever is edited there, numbers are measured again.</summary>
    private static readonly Lazy<string> s_library = new(() => string.Join(' ',
        Referred(typeof(CodeHash).Assembly).Append(typeof(TorchSharp.torch.Tensor).Assembly).Select(VersionOf).Order(StringComparer.Ordinal)));

    private readonly StringBuilder _text = new();
    private readonly Dictionary<MemberInfo, int> _seen = [];

    /// <summary>The library's version: every assembly on which this one stands.</summary>
    internal static string Library => s_library.Value;

    /// <summary>Lower-case hexadecimal; a method's code, and what it calls.</summary>
    internal static string Of(Delegate function)
    {
        CodeHash hash = new();
        hash.Visit(function.Method);
        return hash.ToString();
    }

    /// <summary>Lower-case hexadecimal; all methods of classes and their bases, as far as they are no assembly's of a file.</summary>
    internal static string Of(IEnumerable<Type> types)
    {
        CodeHash hash = new();
        foreach (Type type in types)
        {
            hash.Visit(type);
        }

        return hash.ToString();
    }

    /// <inheritdoc/>
    public override string ToString() => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(_text.ToString())));

    /// <summary>A notebook's cells are compiled in memory; their assemblies have another version each time, and their classes another name.</summary>
    private static bool IsOwn(Module module) => module.Assembly.Location.Length == 0 && !IsLibrary(module.Assembly.GetName());

    private static bool IsLibrary(AssemblyName name) => name.Name!.Split('.')[0] == "Workbook";

    private static string VersionOf(Assembly assembly) => $"{assembly.GetName().Name} {assembly.ManifestModule.ModuleVersionId:N}";

    private static IEnumerable<Assembly> Referred(Assembly assembly) => assembly.GetReferencedAssemblies().Where(IsLibrary)
        .SelectMany(name => Referred(AssemblyLoadContext.GetLoadContext(assembly)!.LoadFromAssemblyName(name))).Append(assembly).Distinct();

    private void Visit(Type type)
    {
        for (Type? part = type; part is not null; part = part.BaseType)
        {
            if (!IsOwn(part.Module))
            {
                _text.Append(part.FullName).Append(VersionOf(part.Assembly)).Append('\n');
                return;
            }

            if (!_seen.TryAdd(part, _seen.Count))
            {
                return;
            }

            const BindingFlags All = BindingFlags.Instance | BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly;
            foreach (MethodBase method in part.GetConstructors(All).Concat<MethodBase>(part.GetMethods(All)))
            {
                Visit(method);
            }
        }
    }

    private void Visit(MethodBase method)
    {
        if (!IsOwn(method.Module))
        {
            _text.Append(method.DeclaringType?.FullName).Append('.').Append(method).Append(VersionOf(method.Module.Assembly)).Append('\n');
            return;
        }

        if (_seen.TryGetValue(method, out int earlier))
        {
            _text.Append('#').Append(earlier).Append('\n');
            return;
        }

        _seen[method] = _seen.Count;
        if (method.GetMethodBody()?.GetILAsByteArray() is { } il)
        {
            _text.Append('{');
            Read(method, il);
            _text.Append("}\n");
        }

        if (method.IsConstructor && method.DeclaringType is { } made)
        {
            Visit(made); // its methods are called through a base, or a delegate
        }
    }

    /// <summary>Instructions one by one: numbers that stand for a member mean another one after every edit of another cell.</summary>
    private void Read(MethodBase method, byte[] il)
    {
        Type[]? ofType = method.DeclaringType is { IsGenericType: true } type ? type.GetGenericArguments() : null;
        Type[]? ofMethod = method.IsGenericMethod ? method.GetGenericArguments() : null;
        for (int at = 0; at < il.Length;)
        {
            OpCode code = s_codes[il[at] == 0xfe ? (short)(0xfe00 | il[at + 1]) : il[at]];
            at += code.Size;
            int length = code.OperandType switch
            {
                OperandType.InlineNone => 0,
                OperandType.ShortInlineBrTarget or OperandType.ShortInlineI or OperandType.ShortInlineVar => 1,
                OperandType.InlineVar => 2,
                OperandType.InlineI8 or OperandType.InlineR => 8,
                OperandType.InlineSwitch => 4 + (4 * BitConverter.ToInt32(il, at)),
                _ => 4,
            };
            _text.Append(code.Name).Append(' ');
            switch (code.OperandType)
            {
                case OperandType.InlineString:
                    _text.Append(method.Module.ResolveString(BitConverter.ToInt32(il, at))).Append('\n');
                    break;
                case OperandType.InlineMethod or OperandType.InlineField or OperandType.InlineType or OperandType.InlineTok:
                    Refer(method.Module.ResolveMember(BitConverter.ToInt32(il, at), ofType, ofMethod));
                    break;
                case OperandType.InlineSig:
                    break;
                default:
                    _text.Append(Convert.ToHexString(il, at, length)).Append('\n');
                    break;
            }

            at += length;
        }
    }

    private void Refer(MemberInfo? member)
    {
        switch (member)
        {
            case MethodBase method:
                Visit(method);
                break;
            case FieldInfo { IsStatic: true, Module: var module } constant when IsOwn(module) && constant.Name.Length == 64:
                _text.Append(constant.Name).Append('\n'); // an array's content: the name is its SHA-256
                break;
            case FieldInfo field:
                _text.Append(Named(field.Name)).Append(' ').Append(Named(field.FieldType.Name)).Append('\n');
                break;
            default:
                _text.Append(Named((member as Type)?.Name ?? "")).Append('\n');
                break;
        }

        // The compiler's names, and a cell's, count what stands before them.
        static string Named(string name) => name.StartsWith('<') || name.StartsWith("Submission", StringComparison.Ordinal) ? "" : name;
    }
}
