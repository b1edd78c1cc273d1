using System.Runtime.ExceptionServices;
using Workbook.Native;

namespace Workbook.Notebook;

/// <summary>The notebook's bench: started by <c>lab.csx</c>, knows what runs where and on what.</summary>
public static partial class Lab
{
    private static RunStore? s_runs;

    /// <summary>What the notebook runs on; set by <c>Describe</c>.</summary>
    /// <exception cref="WorkbookException">WORKBOOK_PROFILE names no profile; or the start failed, and the host did not say so.</exception>
    public static RunContext Context => RunContext.Current;

    /// <summary>How much is computed: <c>quick</c> (the default) or <c>paper</c>.</summary>
    public static string Profile => Context.Profile;

    /// <summary>True in the profile that every machine finishes in minutes.</summary>
    public static bool IsQuick => Profile == "quick";

    /// <summary>The value for this profile.</summary>
    public static T Pick<T>(T quick, T paper) => IsQuick ? quick : paper;

    /// <summary>
    /// The store of finished trainings: <c>Lab.Runs.Train(…)</c> trains what was not trained before, <c>Lab.Runs.Measure(…)</c> measures what was not measured
    /// before. From the first use on, what the library scores is kept there too (<see cref="RunStore.KeepMeasurements"/>).
    /// </summary>
    /// <exception cref="WorkbookException">As <see cref="RunStore.Open"/>.</exception>
    public static RunStore Runs
    {
        get
        {
            _ = Context; // says first what is wrong with the start
            if (s_runs is null)
            {
                s_runs = RunStore.Open(report: Console.WriteLine);
                s_runs.KeepMeasurements();
            }

            return s_runs;
        }
    }

    /// <summary>
    /// Readies the process for notebooks: assemblies and natives resolve from the library's folder, libtorch is loaded,
    /// outputs go to the host that runs the notebook. A second call shows the charts' script anew: whoever runs the first
    /// cell again has lost its output.
    /// </summary>
    /// <exception cref="WorkbookException">There is no such profile, or libtorch does not load.</exception>
    public static void Start()
    {
        if (!NotebookHost.IsSet)
        {
            AssemblyProbing.Attach();
            if (KnownHosts.Find(AppDomain.CurrentDomain.GetAssemblies()) is INotebookHost host)
            {
                NotebookHost.Current = host;
            }
        }

        RunContext.Failure = null;
        try
        {
            Ready();
        }
        catch (Exception e) when (NotebookHost.Current.DropsImports)
        {
            RunContext.Failure = ExceptionDispatchInfo.Capture(e);
        }
    }

    private static void Ready()
    {
        _ = RunContext.ProfileOfEnvironment(); // a wrong profile is said here, not in a later cell
        Libtorch.Load();
        TorchSharp.torch.set_num_threads(1); // on a busy machine two torch threads wait for each other; seeds use the cores instead
        if (!NotebookHost.Current.WantsPlotly || EnvironmentVariables.Find(EnvironmentVariables.Plotly) == EnvironmentVariables.No)
        {
            return;
        }

        if (NotebookHost.Current.DropsImports)
        {
            PlotlyScript.GoesWithNextChart();
        }
        else
        {
            NotebookHost.Current.Display(PlotlyScript.ToBundle());
        }
    }

    /// <summary>Says once what the notebook runs on; charts' captions and claims repeat it.</summary>
    /// <param name="dataset">The data set's id: <c>mnist</c>, <c>fashion-mnist</c> or <c>digits</c>.</param>
    /// <param name="title">Its name as readers know it; the id where left out.</param>
    /// <param name="seeds">The seeds that results are averaged over.</param>
    /// <param name="trainingImages">How many images are trained on.</param>
    /// <param name="hash">The data set's SHA-256.</param>
    /// <param name="schedule">Network, epochs and what else a reader of a chart has to know.</param>
    /// <returns>The new context; its <see cref="RunContext.Caption"/> is the line under the charts.</returns>
    public static RunContext Describe(string dataset, string? title = null, IEnumerable<int>? seeds = null, int? trainingImages = null, string? hash = null,
        string? schedule = null) =>
        RunContext.Current = new RunContext(dataset, title ?? dataset, Context.Profile, [.. seeds ?? []], trainingImages, hash, schedule);

    /// <summary>Says once what the notebook runs on, from the data set itself.</summary>
    /// <param name="images">The data set: gives id, title and hash.</param>
    /// <param name="seeds">The seeds that results are averaged over.</param>
    /// <param name="trainingImages">How many images are trained on.</param>
    /// <param name="schedule">Network, epochs and what else a reader of a chart has to know.</param>
    public static RunContext Describe(ImageSet images, IEnumerable<int>? seeds = null, int? trainingImages = null, string? schedule = null) =>
        Describe(images.Name, images.Title, seeds, trainingImages, images.Hash, schedule);

    /// <summary>
    /// Shows a number under a name, and so records it: <c>workbook sweep</c> gathers such numbers, and the claims, from its runs of
    /// a notebook. Of one name that is recorded again, the last counts.
    /// </summary>
    /// <param name="name">For example "test accuracy".</param>
    /// <param name="value">The number.</param>
    /// <param name="unit">Its unit.</param>
    /// <exception cref="WorkbookException">The name is empty.</exception>
    public static void Record(string name, double value, string unit = "") =>
        new Recorded(string.IsNullOrWhiteSpace(name) ? throw new WorkbookException("a number is recorded under a name: give one") : name, value, unit).Show();
}
