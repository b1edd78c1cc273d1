using System.Net;
using System.Text;

namespace Workbook.Cli.Report;

/// <summary>Simple TeX as HTML text: symbols, sub- and superscripts, fractions on one line; what it does not know stays as it is written.</summary>
internal static class TexText
{
    // Command and symbol by turns.
    private const string Symbols = """
        alpha α beta β gamma γ delta δ epsilon ε varepsilon ε eta η theta θ lambda λ mu μ nu ν pi π rho ρ sigma σ tau τ phi φ chi χ psi ψ
        omega ω Delta Δ Theta Θ Lambda Λ Sigma Σ Omega Ω odot ⊙ cdot · cdots ⋯ dots … ldots … times × partial ∂ nabla ∇ sum ∑ prod ∏
        int ∫ infty ∞ approx ≈ sim ∼ propto ∝ neq ≠ ne ≠ le ≤ leq ≤ ge ≥ geq ≥ ll ≪ gg ≫ pm ± in ∈ notin ∉ subset ⊂ to → rightarrow →
        leftarrow ← mapsto ↦ Rightarrow ⇒ forall ∀ exists ∃ lVert ‖ rVert ‖ Vert ‖ lvert | rvert | mid | ell ℓ top ⊤ cap ∩ cup ∪ min min
        max max log log exp exp arg arg argmin argmin argmax argmax
        """;

    private static readonly Dictionary<string, string> s_symbols = new(
        Symbols.Split((char[])[' ', '\n', '\r'], StringSplitOptions.RemoveEmptyEntries).Chunk(2).Select(pair => KeyValuePair.Create(pair[0], pair[1])))
    {
        ["|"] = "‖",
        [","] = " ",
        [";"] = " ",
        [":"] = " ",
        ["!"] = "",
        [" "] = " ",
        ["quad"] = "  ",
        ["qquad"] = "    ",
        ["\\"] = "<br>",
        ["{"] = "{",
        ["}"] = "}",
        ["%"] = "%",
        ["_"] = "_",
        ["&"] = "&amp;",
        ["left"] = "",
        ["right"] = "",
        ["big"] = "",
        ["Big"] = "",
        ["bigl"] = "",
        ["bigr"] = "",
        ["displaystyle"] = "",
        ["limits"] = "",
    };

    public static string Html(string tex)
    {
        int at = 0;
        return Sequence(tex.Trim(), ref at, closed: false);
    }

    private static string Sequence(string tex, ref int at, bool closed)
    {
        StringBuilder html = new();
        while (at < tex.Length && !(closed && tex[at] == '}'))
        {
            html.Append(Piece(tex, ref at));
        }

        at++;
        return html.ToString();
    }

    // One character, group, command or script: what TeX takes as one argument.
    private static string Piece(string tex, ref int at)
    {
        if (at >= tex.Length)
        {
            return "";
        }

        char next = tex[at++];
        switch (next)
        {
            case '{':
                return Sequence(tex, ref at, closed: true);
            case '^':
                return $"<sup>{Piece(tex, ref at)}</sup>";
            case '_':
                return $"<sub>{Piece(tex, ref at)}</sub>";
            case '\\' when at < tex.Length:
                return Command(tex, ref at);
            case '-':
                return "−";
            case '~':
                return " ";
            default:
                return WebUtility.HtmlEncode(next.ToString());
        }
    }

    private static string Command(string tex, ref int at)
    {
        int start = at;
        while (at < tex.Length && char.IsAsciiLetter(tex[at]))
        {
            at++;
        }

        if (at == start)
        {
            at++;
        }

        string name = tex[start..at];
        switch (name)
        {
            case "frac" or "tfrac" or "dfrac":
                return $"{Grouped(Argument(tex, ref at))} ⁄ {Grouped(Argument(tex, ref at))}";
            case "sqrt":
                return $"√{Grouped(Argument(tex, ref at))}";
            case "text" or "mathrm" or "operatorname" or "textrm":
                return $"<span style=\"font-style:normal\">{Argument(tex, ref at)}</span>";
            case "mathbf" or "boldsymbol" or "mathbb":
                return $"<b>{Argument(tex, ref at)}</b>";
            case "mathcal" or "mathit":
                return Argument(tex, ref at);
            case "hat" or "tilde" or "bar":
                return Argument(tex, ref at) + name switch { "hat" => "\u0302", "tilde" => "\u0303", _ => "\u0304" };
            default:
                return s_symbols.TryGetValue(name, out string? symbol) ? symbol : WebUtility.HtmlEncode("\\" + name);
        }
    }

    private static string Argument(string tex, ref int at)
    {
        while (at < tex.Length && tex[at] == ' ')
        {
            at++;
        }

        return Piece(tex, ref at);
    }

    private static string Grouped(string html) => html.Length > 1 && html.Any(c => c is ' ' or '+' or '−' or '·' or '<') ? $"({html})" : html;
}
