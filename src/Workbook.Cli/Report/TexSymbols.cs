namespace Workbook.Cli.Report;

/// <summary>What TeX's commands stand for.</summary>
internal static class TexSymbols
{
    // Command and character by turns.
    private const string Letters = """
        alpha α beta β gamma γ delta δ epsilon ϵ varepsilon ε zeta ζ eta η theta θ vartheta ϑ iota ι kappa κ lambda λ mu μ nu ν xi ξ pi π rho ρ
        sigma σ tau τ upsilon υ phi ϕ varphi φ chi χ psi ψ omega ω Gamma Γ Delta Δ Theta Θ Lambda Λ Xi Ξ Pi Π Sigma Σ Phi Φ Psi Ψ Omega Ω
        ell ℓ infty ∞ emptyset ∅ partial ∂ nabla ∇ top ⊤
        """;

    private const string Operators = """
        odot ⊙ otimes ⊗ oplus ⊕ circ ∘ cdot ⋅ cdots ⋯ dots … ldots … times × div ÷ ast ∗ star ⋆ sum ∑ prod ∏ int ∫ approx ≈ sim ∼ simeq ≃ equiv ≡
        propto ∝ neq ≠ ne ≠ le ≤ leq ≤ ge ≥ geq ≥ ll ≪ gg ≫ pm ± mp ∓ in ∈ notin ∉ subset ⊂ subseteq ⊆ setminus ∖ to → rightarrow → leftarrow ←
        mapsto ↦ Rightarrow ⇒ Leftrightarrow ⇔ forall ∀ exists ∃ neg ¬ land ∧ lor ∨ cap ∩ cup ∪ mid ∣ lvert | rvert | vert | lVert ‖ rVert ‖ Vert ‖ | ‖
        langle ⟨ rangle ⟩ lfloor ⌊ rfloor ⌋ lceil ⌈ rceil ⌉ { { } } prime ′ bullet ∙ uparrow ↑ downarrow ↓
        """;

    private static readonly Dictionary<string, string> s_letters = Table(Letters);
    private static readonly Dictionary<string, string> s_operators = Table(Operators);
    private static readonly HashSet<string> s_functions = ["min", "max", "log", "ln", "exp", "arg", "lim", "sup", "inf", "sin", "cos", "tanh", "det", "dim", "argmin", "argmax", "Pr", "tr"];
    private static readonly Dictionary<string, string> s_spaces = new() { [","] = "0.167", [":"] = "0.222", [";"] = "0.278", ["!"] = "-0.167", [" "] = "0.25", ["~"] = "0.25", ["quad"] = "1", ["qquad"] = "2" };

    /// <summary>A letter's command.</summary>
    public static string? Letter(string command) => s_letters.GetValueOrDefault(command);

    /// <summary>An operator's, relation's or fence's command.</summary>
    public static string? Operator(string command) => s_operators.GetValueOrDefault(command);

    /// <summary>Whether the command is a function's upright name.</summary>
    public static bool IsFunction(string command) => s_functions.Contains(command);

    /// <summary>A space's width in em.</summary>
    public static string? Space(string command) => s_spaces.GetValueOrDefault(command);

    /// <summary>Whether limits stand above and below it in a formula of its own.</summary>
    public static bool HasLimits(string command) => command is "sum" or "prod" or "min" or "max" or "lim" or "sup" or "inf" or "argmin" or "argmax";

    /// <summary>A character in the alphabet of <c>\mathbf</c>, <c>\mathbb</c> or <c>\mathcal</c>; itself where there is none.</summary>
    public static string InAlphabet(string command, string letter)
    {
        if (letter.Length != 1 || !char.IsAsciiLetter(letter[0]))
        {
            return letter;
        }

        // The letters that Unicode had before these alphabets are missing in them.
        const string script = "BℬEℰFℱHℋIℐLℒMℳRℛeℯgℊoℴ", blackboard = "CℂHℍNℕPℙQℚRℝZℤ";
        string earlier = command switch { "mathcal" => script, "mathbb" => blackboard, _ => "" };
        int at = earlier.IndexOf(letter[0], StringComparison.Ordinal);
        int start = command switch { "mathcal" => 0x1D49C, "mathbb" => 0x1D538, _ => 0x1D400 };
        int index = char.IsAsciiLetterUpper(letter[0]) ? letter[0] - 'A' : letter[0] - 'a' + 26;
        return at >= 0 && at % 2 == 0 ? earlier[at + 1].ToString() : char.ConvertFromUtf32(start + index);
    }

    private static Dictionary<string, string> Table(string pairs) => new(
        pairs.Split((char[])[' ', '\n', '\r'], StringSplitOptions.RemoveEmptyEntries).Chunk(2).Select(pair => KeyValuePair.Create(pair[0], pair[1])));
}
