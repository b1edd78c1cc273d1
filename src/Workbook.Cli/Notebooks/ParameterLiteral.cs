using System.Globalization;
using System.Text.RegularExpressions;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace Workbook.Cli.Notebooks;

/// <summary>A value as it was typed on the command line, as C# for the type that it is declared with.</summary>
internal static partial class ParameterLiteral
{
    private static readonly string[] s_whole =
        ["int", "long", "short", "byte", "sbyte", "uint", "ulong", "ushort", "nint", "nuint", "Int32", "Int64", "Int128", "BigInteger"];

    private static readonly string[] s_fractional = ["double", "float", "Half", "Double", "Single"], s_decimal = ["decimal", "Decimal"];

    private static readonly string[] s_lists = ["List", "IList", "IEnumerable", "ICollection", "IReadOnlyList", "IReadOnlyCollection", "HashSet", "ISet",
        "IReadOnlySet", "ImmutableArray", "ImmutableList", "Span", "ReadOnlySpan"];

    private static readonly Dictionary<string, Func<string, bool>> s_parsed = new()
    {
        ["DateTime"] = text => DateTime.TryParse(text, CultureInfo.InvariantCulture, out _),
        ["DateTimeOffset"] = text => DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, out _),
        ["DateOnly"] = text => DateOnly.TryParse(text, CultureInfo.InvariantCulture, out _),
        ["TimeOnly"] = text => TimeOnly.TryParse(text, CultureInfo.InvariantCulture, out _),
        ["TimeSpan"] = text => TimeSpan.TryParse(text, CultureInfo.InvariantCulture, out _),
        ["Guid"] = text => Guid.TryParse(text, CultureInfo.InvariantCulture, out _),
    };

    /// <summary>C# for a value: a literal, a list of them, an enum's member, or a date that is parsed in the invariant culture.</summary>
    /// <param name="value">As it was typed.</param>
    /// <param name="type">The declared type as it is written, such as <c>double</c>, <c>float[]</c> or <c>var</c>.</param>
    public static string Of(string value, string type)
    {
        (string full, string simple) = Names(type);
        if (value is "null" or "default" && type.EndsWith('?'))
        {
            return value;
        }

        if (value.StartsWith('[') && value.EndsWith(']'))
        {
            return ElementOf(full) is { } element && !value.Contains("..", StringComparison.Ordinal) ? List(value, element) : value;
        }

        if (simple is "string" or "String")
        {
            return IsQuoted(value) || value == "null" ? value : SymbolDisplay.FormatLiteral(value, quote: true);
        }

        if (simple is "char" or "Char" && value.Length == 1)
        {
            return SymbolDisplay.FormatLiteral(value[0], quote: true);
        }

        if (simple is "bool" or "Boolean" && bool.TryParse(value, out bool truth))
        {
            return truth ? "true" : "false";
        }

        if (s_parsed.TryGetValue(simple, out Func<string, bool>? isFine) && isFine(value))
        {
            return $"{full}.Parse({SymbolDisplay.FormatLiteral(value, quote: true)}, System.Globalization.CultureInfo.InvariantCulture)";
        }

        if (simple == "Uri" && !value.StartsWith('"'))
        {
            return $"new {full}({SymbolDisplay.FormatLiteral(value, quote: true)})";
        }

        bool isNumeric = IsNumeric(simple);
        if (isNumeric && NotFinite(value) is { } member && s_fractional.Contains(simple))
        {
            return $"{full}.{member}";
        }

        string text = isNumeric && value.StartsWith('+') ? value[1..] : value;
        text = isNumeric && text.EndsWith('.') ? text + "0" : text;
        if (IsLiteral(text))
        {
            return isNumeric && char.IsAsciiDigit(text[^1]) && !Hexadecimal().IsMatch(text) ? text + Suffix(simple) : text;
        }

        return !isNumeric && IsOwnType(simple) && Members().IsMatch(value)
            ? string.Join(" | ", value.Split('|', StringSplitOptions.TrimEntries).Select(name => name.Contains('.', StringComparison.Ordinal) ? name
                : $"{full}.{name}"))
            : SymbolDisplay.FormatLiteral(value, quote: true);
    }

    /// <summary>What two values of one parameter have in common where they are the same: the number, or what is typed.</summary>
    public static string Key(string value, string type)
    {
        string simple = Names(type).Simple;
        if (!IsNumeric(simple) || SyntaxFactory.ParseExpression(Of(value, type)) is not { ContainsDiagnostics: false } expression)
        {
            return value;
        }

        bool negative = expression is PrefixUnaryExpressionSyntax { RawKind: (int)SyntaxKind.UnaryMinusExpression };
        ExpressionSyntax number = expression is PrefixUnaryExpressionSyntax prefix ? prefix.Operand : expression;
        return !number.IsKind(SyntaxKind.NumericLiteralExpression) ? value
            : (negative ? "-" : "") + ((LiteralExpressionSyntax)number).Token.Value switch
            {
                IConvertible fraction and (float or double or decimal) =>
                    fraction.ToDouble(CultureInfo.InvariantCulture).ToString("R", CultureInfo.InvariantCulture),
                var whole => Convert.ToString(whole, CultureInfo.InvariantCulture),
            };
    }

    /// <summary>Whether a type's values are whole numbers.</summary>
    public static bool IsWhole(string type) => s_whole.Contains(Names(type).Simple);

    /// <summary>The parts of a text between its commas; those in brackets or quotes divide nothing.</summary>
    public static IEnumerable<string> Split(string text)
    {
        int depth = 0, start = 0;
        bool quoted = false;
        for (int i = 0; i < text.Length; i++)
        {
            quoted ^= text[i] == '"';
            depth += quoted ? 0 : text[i] switch { '[' or '(' or '{' => 1, ']' or ')' or '}' => -1, _ => 0 };
            if (text[i] == ',' && !quoted && depth <= 0)
            {
                yield return text[start..i].Trim();
                start = i + 1;
            }
        }

        yield return text[start..].Trim();
    }

    // What is no literal of the element's type stays as it is: the compiler judges it.
    private static string List(string value, string element)
    {
        string inner = value[1..^1].Trim();
        return inner.Length == 0 ? "[]" : $"[{string.Join(", ", Split(inner).Select(part => IsNumeric(Names(element).Simple) && !IsLiteral(part.TrimStart('+'))
            && NotFinite(part) is null ? part : Of(part, element)))}]";
    }

    private static (string Full, string Simple) Names(string type)
    {
        string full = type.Trim().TrimEnd('?');
        return (full, full[(full.LastIndexOf('.') + 1)..]);
    }

    private static string? ElementOf(string type)
    {
        if (type.EndsWith("[]", StringComparison.Ordinal))
        {
            return type[..^2];
        }

        int open = type.IndexOf('<', StringComparison.Ordinal);
        return open > 0 && type.EndsWith('>') && s_lists.Contains(Names(type[..open]).Simple) ? type[(open + 1)..^1] : null;
    }

    private static bool IsNumeric(string simple) => s_whole.Contains(simple) || s_fractional.Contains(simple) || s_decimal.Contains(simple);

    private static bool IsOwnType(string simple) => simple.Length > 0 && SyntaxFacts.IsValidIdentifier(simple) && simple is not ("var" or "object" or "dynamic"
        or "string" or "bool" or "char" or "String" or "Boolean" or "Char") && !s_parsed.ContainsKey(simple);

    private static string Suffix(string simple) => simple switch { "float" or "Single" => "f", "decimal" or "Decimal" => "m", _ => "" };

    private static string? NotFinite(string value) => value.TrimStart('+').ToLowerInvariant() switch
    {
        "nan" => "NaN",
        "infinity" or "inf" or "∞" => "PositiveInfinity",
        "-infinity" or "-inf" or "-∞" => "NegativeInfinity",
        _ => null,
    };

    private static bool IsQuoted(string value) => value.Length >= 2 && value[0] == '"' && value[^1] == '"';

    private static bool IsLiteral(string text)
    {
        ExpressionSyntax expression = SyntaxFactory.ParseExpression(text);
        return !expression.ContainsDiagnostics && expression.FullSpan.Length == text.Length && expression.GetTrailingTrivia().Count == 0
            && (expression is PrefixUnaryExpressionSyntax { RawKind: (int)SyntaxKind.UnaryMinusExpression } minus ? minus.Operand : expression)
                is LiteralExpressionSyntax;
    }

    [GeneratedRegex("^-?0[xXbB]")]
    private static partial Regex Hexadecimal();

    [GeneratedRegex(@"^[\p{L}_][\w.]*(\s*\|\s*[\p{L}_][\w.]*)*$")]
    private static partial Regex Members();
}
