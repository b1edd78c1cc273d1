using System.Text;
using static System.Net.WebUtility;

namespace Workbook.Cli.Report;

/// <summary>TeX's formulas as MathML, which browsers draw without a script; a command that it does not know stays as it is written.</summary>
internal sealed class TexMath
{
    private readonly string _tex;
    private readonly bool _block;
    private int _at;

    private TexMath(string tex, bool block) => (_tex, _block) = (tex, block);

    /// <summary>The formula as a <c>math</c> element.</summary>
    /// <param name="tex">The formula without its dollars.</param>
    /// <param name="block">Whether it stands on a line of its own.</param>
    public static string Html(string tex, bool block = false)
    {
        TexMath math = new(tex.Trim(), block);
        StringBuilder rows = new();
        int count = 0;
        do
        {
            rows.Append("<mtr><mtd>").Append(math.Sequence(until: '\0')).Append("</mtd></mtr>");
            count++;
        }
        while (math._at < math._tex.Length);
        string body = count == 1 ? rows.ToString()["<mtr><mtd>".Length..^"</mtd></mtr>".Length] : $"<mtable>{rows}</mtable>";
        return $"<math{(block ? " display=\"block\"" : "")}><mrow>{body}</mrow></math>";
    }

    // Atoms with their scripts, up to a brace, a bracket or a new line.
    private string Sequence(char until)
    {
        StringBuilder html = new();
        while (_at < _tex.Length)
        {
            if (_tex[_at] == until)
            {
                _at++;
                break;
            }

            if (until == '\0' && _tex.AsSpan(_at).StartsWith(@"\\"))
            {
                _at += 2;
                break;
            }

            html.Append(WithScripts());
        }

        return html.ToString();
    }

    private string WithScripts()
    {
        int start = _at;
        string atom = _tex[_at] is '^' or '_' ? "<mrow></mrow>" : Atom();
        bool limits = _block && _tex[start] == '\\' && TexSymbols.HasLimits(_tex[(start + 1).._at].Trim());
        (string? sub, string? sup) = (null, null);
        while (_at < _tex.Length && (_tex[_at] is '^' or '_' or '\'' or ' '))
        {
            switch (_tex[_at++])
            {
                case '^':
                    sup += Argument();
                    break;
                case '_':
                    sub += Argument();
                    break;
                case '\'':
                    sup += "<mo>′</mo>";
                    break;
                default: // a space means nothing between an atom and its script, and nothing anywhere else
                    break;
            }
        }

        return (sub, sup) switch
        {
            (null, null) => atom,
            (_, null) => Element(limits ? "munder" : "msub", atom, sub),
            (null, _) => Element(limits ? "mover" : "msup", atom, sup),
            _ => Element(limits ? "munderover" : "msubsup", atom, sub, sup),
        };
    }

    // One character, group or command: what TeX takes as one argument.
    private string Atom()
    {
        char next = _tex[_at++];
        switch (next)
        {
            case '{':
                return $"<mrow>{Sequence(until: '}')}</mrow>";
            case '\\' when _at < _tex.Length:
                return Command();
            case '~':
                return Space("~");
            case '&' or ' ' or '\n' or '\r':
                return "";
            case '-':
                return "<mo>−</mo>";
            case >= '0' and <= '9':
                int start = _at - 1;
                while (_at < _tex.Length && (char.IsAsciiDigit(_tex[_at]) || (_tex[_at] == '.' && _at + 1 < _tex.Length && char.IsAsciiDigit(_tex[_at + 1]))))
                {
                    _at++;
                }

                return $"<mn>{_tex[start.._at]}</mn>";
            default:
                return char.IsLetter(next) ? $"<mi>{next}</mi>" : $"<mo{(next is '|' or '(' or ')' or '[' or ']' ? " stretchy=\"false\"" : "")}>{HtmlEncode(next.ToString())}</mo>";
        }
    }

    private string Command()
    {
        string name = Name();
        switch (name)
        {
            case "frac" or "tfrac" or "dfrac":
                return Element("mfrac", Argument(), Argument());
            case "sqrt":
                return $"<msqrt>{Argument()}</msqrt>";
            case "text" or "mathrm" or "operatorname" or "textrm" or "textit" or "textbf":
                return $"<mtext>{HtmlEncode(Raw().Replace(' ', '\u00a0'))}</mtext>"; // MathML drops spaces at the ends
            case "mathbf" or "boldsymbol" or "mathbb" or "mathcal":
                return $"<mi>{HtmlEncode(string.Concat(Raw().Select(letter => TexSymbols.InAlphabet(name, letter.ToString()))))}</mi>";
            case "hat" or "tilde" or "bar" or "vec" or "overline" or "dot":
                string mark = name switch { "hat" => "^", "tilde" => "~", "vec" => "→", "dot" => "˙", _ => "¯" };
                return $"<mover accent=\"true\">{Argument()}<mo stretchy=\"{(name == "overline" ? "true" : "false")}\">{mark}</mo></mover>";
            case "left" or "right" or "big" or "Big" or "bigg" or "Bigg" or "bigl" or "bigr" or "Bigl" or "Bigr" or "middle":
                return Fence(name);
            case "displaystyle" or "limits" or "nolimits" or "mathit":
                return "";
        }

        return TexSymbols.Letter(name) is { } letter ? $"<mi{(char.IsUpper(letter[0]) ? " mathvariant=\"normal\"" : "")}>{letter}</mi>"
            : TexSymbols.Operator(name) is { } symbol ? $"<mo{(name is "{" or "}" or "|" || name.EndsWith("ert", StringComparison.Ordinal) ? " stretchy=\"false\"" : "")}>{symbol}</mo>"
            : TexSymbols.IsFunction(name) ? $"<mi>{name}</mi>"
            : TexSymbols.Space(name) is not null ? Space(name)
            : name is "%" or "_" or "&" or "#" or "$" ? $"<mo>{HtmlEncode(name)}</mo>"
            : $"<mtext>{HtmlEncode("\\" + name)}</mtext>";
    }

    // \left and \right grow with what they hold, \big and its like have one size.
    private string Fence(string size)
    {
        string fence = _at < _tex.Length ? _tex[_at++].ToString() : "";
        fence = fence == "\\" ? TexSymbols.Operator(Name()) ?? "" : fence;
        bool grows = size is "left" or "right" or "middle";
        string em = size.StartsWith("bigg", StringComparison.OrdinalIgnoreCase) ? "2.4em" : size[0] == 'B' ? "1.8em" : "1.2em";
        return fence is "." or "" ? "" : $"<mo stretchy=\"true\"{(grows ? "" : $" minsize=\"{em}\" maxsize=\"{em}\"")}>{HtmlEncode(fence)}</mo>";
    }

    private string Name()
    {
        int start = _at;
        while (_at < _tex.Length && char.IsAsciiLetter(_tex[_at]))
        {
            _at++;
        }

        _at += _at == start && _at < _tex.Length ? 1 : 0;
        return _tex[start.._at];
    }

    private string Argument()
    {
        SkipSpaces();
        return _at < _tex.Length ? Atom() : "<mrow></mrow>";
    }

    // The argument as it is written: a word, or letters for an alphabet.
    private string Raw()
    {
        SkipSpaces();
        if (_at >= _tex.Length || _tex[_at] != '{')
        {
            return _at < _tex.Length ? _tex[_at++].ToString() : "";
        }

        int start = ++_at;
        int end = _tex.IndexOf('}', start);
        _at = end < 0 ? _tex.Length : end + 1;
        return _tex[start..(end < 0 ? _tex.Length : end)];
    }

    private void SkipSpaces()
    {
        while (_at < _tex.Length && char.IsWhiteSpace(_tex[_at]))
        {
            _at++;
        }
    }

    private static string Space(string command) => $"<mspace width=\"{TexSymbols.Space(command)}em\"></mspace>";

    private static string Element(string name, params string?[] children) => $"<{name}>{string.Concat(children.Select(child => $"<mrow>{child}</mrow>"))}</{name}>";
}
