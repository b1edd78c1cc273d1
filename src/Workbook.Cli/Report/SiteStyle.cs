namespace Workbook.Cli.Report;

/// <summary>How the report looks: light and dark, from a phone up.</summary>
internal static class SiteStyle
{
    public const string Css = """
        :root{color-scheme:light dark;--text:#1c1c1c;--page:#fff;--soft:#f4f4f2;--line:#d5d5d2;--link:#00599c;--good:#00734f;--bad:#b34700;
          --quiet:#666;--code-word:#00599c;--code-text:#8a4b00;--code-note:#5f6f5f}
        @media(prefers-color-scheme:dark){:root{--text:#e6e6e3;--page:#161617;--soft:#222224;--line:#3c3c3f;--link:#6db8ef;--good:#3cc494;--bad:#f5883f;
          --quiet:#a5a5a2;--code-word:#6db8ef;--code-text:#e6b566;--code-note:#9db09d}}
        *{box-sizing:border-box}
        html{-webkit-text-size-adjust:100%;scroll-padding-top:1em}
        body{margin:0;background:var(--page);color:var(--text);font:16px/1.55 system-ui,-apple-system,"Segoe UI",sans-serif}
        main{max-width:62em;margin:0 auto;padding:1em;overflow-wrap:break-word;min-width:0}
        a{color:var(--link)}
        h1,h2,h3,h4{line-height:1.25;margin:1.4em 0 .5em}
        h1{font-size:1.8em;margin-top:.5em}
        nav details{border:1px solid var(--line);border-radius:6px;padding:.5em .9em;margin:1em;font-size:15px}
        nav summary{cursor:pointer;font-weight:600}
        nav ul{list-style:none;margin:.5em 0;padding:0}
        nav li{margin:.3em 0}
        nav.around{display:flex;justify-content:space-between;gap:1em;border-top:1px solid var(--line);margin-top:3em;padding-top:1em}
        @media(min-width:1100px){
          .page{display:grid;grid-template-columns:17em minmax(0,62em);justify-content:center}
          .page>nav{position:sticky;top:0;align-self:start;max-height:100vh;overflow-y:auto}
          .page>nav details{border:0}
          .page>main{margin:0;width:100%}
        }
        .cards{list-style:none;margin:1.5em 0;padding:0;display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,17em),1fr));gap:1em}
        .cards li{border:1px solid var(--line);border-radius:8px;padding:.8em;overflow:hidden}
        .cards a{display:block;text-decoration:none}
        .cards small{color:var(--quiet)}
        .thumbnail{height:205px;overflow:hidden;margin-bottom:.6em;color:var(--text)}
        .thumbnail>div{width:600px;transform:scale(.4);transform-origin:0 0;pointer-events:none}
        .md details{margin:.3em 0;border-left:3px solid var(--line);padding:.1em .8em}
        .md summary{cursor:pointer}
        img,svg{max-width:100%;height:auto}
        .scroll,.md table{overflow-x:auto}
        .md table{display:block}
        table{border-collapse:collapse}
        .md th,.md td,table.claims th,table.claims td{padding:.3em .7em;border-bottom:1px solid var(--line);text-align:left;vertical-align:top}
        table.claims{width:100%;font-size:15px}
        table.claims small{color:var(--quiet)}
        .holds{color:var(--good);font-weight:600}.fails{color:var(--bad);font-weight:600}.published{color:var(--link)}.unmeasured{color:var(--quiet)}
        pre{margin:0;overflow-x:auto;font:13px/1.45 ui-monospace,"Cascadia Code",Consolas,monospace}
        .md pre,.code pre{background:var(--soft);border:1px solid var(--line);border-radius:6px;padding:.7em .9em}
        .code{margin:1em 0 .5em}
        .code .k{color:var(--code-word)}.code .s{color:var(--code-text)}.code .c{color:var(--code-note);font-style:italic}
        code{font:.9em ui-monospace,"Cascadia Code",Consolas,monospace}
        .output{margin:.5em 0 1em;overflow-x:auto}
        .output pre{padding:.2em .9em;white-space:pre-wrap;overflow-wrap:anywhere}
        iframe.frame{display:block;width:100%;height:10em;border:0}
        .error{border-left:4px solid var(--bad);padding-left:.8em}
        div.math,.math.display{display:flex;justify-content:safe center;overflow-x:auto;overflow-y:hidden;margin:1em 0;padding:.2em 0;font-size:1.1em}
        .wb-figure{max-width:100%!important}
        .wb-chart .main-svg{max-width:none}
        .quiet{color:var(--quiet)}
        :lang(ko){word-break:keep-all}
        @media(max-width:600px){
          table.claims thead{display:none}
          table.claims tr{display:block;border-bottom:1px solid var(--line);padding:.6em 0}
          table.claims td{display:block;border:0;padding:.1em 0}
          table.claims td[data-label]:not(:empty)::before{content:attr(data-label) ": ";color:var(--quiet)}
        }
        """;
}
