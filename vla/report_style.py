"""Style sheet and script of the report: light and dark, wide and narrow, no outside resource."""

CSS = """
:root{color-scheme:light dark;
--bg:#f6f7f9;--card:#fff;--ink:#171b22;--muted:#5c6675;--line:#e1e5eb;--soft:#eef1f5;--accent:#2563d9;
--good:#12805c;--bad:#c2410c;--warn:#a16207;--heat:37,99,217;
--c0:#2563d9;--c1:#7b8494;--c2:#d97706;--c3:#9333ea;--c4:#0d9488;--c5:#db2777;
--sans:system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif;
--mono:ui-monospace,SFMono-Regular,Menlo,Consolas,"Liberation Mono",monospace}
@media(prefers-color-scheme:dark){:root{
--bg:#0f1217;--card:#171b22;--ink:#e8ebf0;--muted:#98a2b3;--line:#2a303b;--soft:#1f242d;--accent:#7aa7ff;
--good:#4ac97e;--bad:#ff8a5c;--warn:#ffc43d;--heat:104,153,255;
--c0:#7aa7ff;--c1:#98a2b3;--c2:#fbb040;--c3:#c084fc;--c4:#2dd4bf;--c5:#f472b6}}
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%}
body{margin:0;background:var(--bg);color:var(--ink);font:15px/1.55 var(--sans)}
main{max-width:1120px;margin:0 auto;padding:28px 20px 96px}
header h1{font-size:27px;line-height:1.2;margin:0 0 4px;letter-spacing:-.015em}
header .lead{color:var(--muted);margin:0 0 16px}
h2{font-size:19px;margin:44px 0 4px;letter-spacing:-.01em}
h3{font-size:15px;margin:0 0 2px}
p{margin:0 0 12px}
section>p{color:var(--muted);max-width:76ch}
a{color:var(--accent)}
code,pre{font:12.5px/1.5 var(--mono)}
pre{margin:0;padding:10px 12px;background:var(--soft);border-radius:8px;overflow-x:auto;white-space:pre}
dl.facts{display:grid;grid-template-columns:repeat(auto-fit,minmax(190px,1fr));gap:10px 24px;margin:0;padding:14px 18px;
background:var(--card);border:1px solid var(--line);border-radius:12px}
dl.facts div{min-width:0}
dt{color:var(--muted);font-size:12px}
dd{margin:0;overflow-wrap:anywhere}
.cards{display:grid;grid-template-columns:repeat(auto-fit,minmax(210px,1fr));gap:14px;margin-top:16px}
.card{background:var(--card);border:1px solid var(--line);border-radius:12px;padding:14px 18px;min-width:0}
.card .what{color:var(--muted);font-size:13px}
.card .big{font-size:26px;font-weight:650;letter-spacing:-.02em;line-height:1.25;font-variant-numeric:tabular-nums}
.card .small{color:var(--muted);font-size:13px;font-variant-numeric:tabular-nums}
.good{color:var(--good)}.bad{color:var(--bad)}.warn{color:var(--warn)}.muted{color:var(--muted)}
.scroll{overflow-x:auto;background:var(--card);border:1px solid var(--line);border-radius:12px}
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}
th,td{text-align:left;padding:9px 14px;border-bottom:1px solid var(--line);vertical-align:middle;white-space:nowrap}
tr:last-child>*{border-bottom:0}
thead th{font-size:12.5px;font-weight:600;color:var(--muted)}
tbody th{font-weight:600;position:sticky;left:0;background:var(--card);z-index:1}
tbody th small{display:block;font-weight:400;color:var(--muted)}
tr.main th,tr.main td{background:color-mix(in srgb,var(--accent) 7%,var(--card))}
td.wrap{white-space:normal}
td[data-cmd]{cursor:pointer}
td[data-cmd]:hover,td[data-cmd]:focus-visible{outline:2px solid var(--accent);outline-offset:-2px}
.rate b{font-weight:650}
.rate small{color:var(--muted);display:block;font-size:12px;line-height:1.35}
.heat{background:rgba(var(--heat),var(--a,0))}
.key{display:inline-block;width:10px;height:10px;border-radius:3px;margin-right:7px;vertical-align:baseline}
.legend{display:flex;flex-wrap:wrap;gap:4px 18px;margin:4px 0 12px;font-size:13px}
.panels{display:grid;grid-template-columns:repeat(auto-fill,minmax(250px,1fr));gap:14px}
.panel{background:var(--card);border:1px solid var(--line);border-radius:12px;padding:12px 12px 6px;min-width:0;
display:flex;flex-direction:column}
.panel svg{margin-top:auto}
.panels.two{grid-template-columns:repeat(auto-fill,minmax(min(100%,420px),1fr))}
h3.next{margin-top:26px;margin-bottom:6px}
.origin+.origin{margin-top:16px;padding-top:14px;border-top:1px solid var(--line)}
.origin pre{margin:6px 0}
.origin p{color:var(--muted);font-size:12.5px;margin:0;overflow-wrap:anywhere}
.panel p{color:var(--muted);font-size:12px;line-height:1.4;margin:0 0 4px}
.wide{background:var(--card);border:1px solid var(--line);border-radius:12px;padding:14px 16px}
svg{display:block;width:100%;height:auto;overflow:visible}
svg text{fill:var(--muted);font:11px var(--sans);font-variant-numeric:tabular-nums}
svg .name{fill:var(--ink);font-size:12.5px}
svg .strong{fill:var(--ink);font-weight:600}
svg .grid{stroke:var(--line);stroke-width:1}
svg .axis{stroke:var(--muted);stroke-width:1}
.forest .row{display:grid;grid-template-columns:minmax(120px,200px) 1fr 210px;gap:16px;align-items:center;
padding:7px 0;border-bottom:1px solid var(--line)}
.forest .row.ticks{border:0;padding:4px 0 0;font-size:11.5px;color:var(--muted)}
.forest .name small{display:block;color:var(--muted);font-size:12px;line-height:1.35}
.forest .track{position:relative;height:18px}
.forest .track i{position:absolute;display:block}
.forest .zero{top:-9px;bottom:-9px;width:1px;background:var(--muted);opacity:.55}
.forest .span{top:7px;height:4px;border-radius:2px;background:currentColor;opacity:.5}
.forest .dot{top:4px;width:10px;height:10px;margin-left:-5px;border-radius:50%;background:currentColor}
.forest .bad .track{color:var(--bad)}.forest .good .track{color:var(--good)}.forest .even .track{color:var(--muted)}
.forest .text{text-align:right;font-variant-numeric:tabular-nums;font-size:13px;cursor:pointer}
.forest .bad .text{color:var(--bad)}
.forest .ticks div{position:relative;height:16px}
.forest .ticks span{position:absolute;transform:translateX(-50%);white-space:nowrap}
.filters{display:flex;flex-wrap:wrap;gap:6px;margin:0 0 14px}
.filters button,.copy{font:13px var(--sans);color:var(--ink);background:var(--card);border:1px solid var(--line);
border-radius:999px;padding:5px 13px;cursor:pointer}
.filters button[aria-pressed=true]{background:var(--accent);border-color:var(--accent);color:var(--card);
font-weight:600}
.gallery{display:grid;grid-template-columns:repeat(auto-fill,minmax(310px,1fr));gap:16px}
figure{margin:0;background:var(--card);border:1px solid var(--line);border-radius:12px;overflow:hidden;min-width:0}
figure[hidden]{display:none}
figure video{display:block;width:100%;height:auto;background:#11141a}
.screen{position:relative;cursor:pointer;background:#11141a}
.screen button{position:absolute;inset:0;margin:auto;width:54px;height:54px;border:0;border-radius:50%;cursor:pointer;
background:rgba(13,17,23,.62);color:#fff;font-size:20px;line-height:54px;padding:0 0 0 4px;opacity:.92}
.screen:hover button{background:var(--accent)}
.screen.playing button{display:none}
figcaption a{cursor:pointer;text-decoration:underline}
figcaption{padding:10px 14px 12px;font-size:13px;line-height:1.45}
figcaption b{font-weight:600}
figcaption .say{display:block;font-size:14px;margin-bottom:2px}
.badge{font-weight:650;white-space:nowrap}
details{margin-top:12px}
summary{cursor:pointer;color:var(--accent);font-size:14px;width:fit-content}
details>*:not(summary){margin-top:8px}
.bar{height:9px;border-radius:5px;background:var(--c0);min-width:2px}
td.grow{width:55%;min-width:120px}
#cmd{position:fixed;left:0;right:0;bottom:0;background:var(--card);border-top:1px solid var(--line);padding:12px 20px;
box-shadow:0 -6px 24px rgba(0,0,0,.14);z-index:9}
#cmd[hidden]{display:none}
#cmd div{max-width:1080px;margin:0 auto;display:flex;gap:12px;align-items:center}
#cmd pre{flex:1;min-width:0}
footer{margin-top:48px;color:var(--muted);font-size:13px}
@media(max-width:640px){main{padding:18px 12px 110px}header h1{font-size:22px}h2{font-size:18px;margin-top:34px}
th,td{padding:8px 10px}.cards{grid-template-columns:repeat(2,minmax(0,1fr));gap:10px}.card{padding:11px 13px}
.card .big{font-size:21px}.gallery{grid-template-columns:1fr}.wide{padding:10px}
.forest .row{grid-template-columns:1fr auto;gap:4px 12px}.forest .track{grid-column:1/-1;grid-row:2}
.forest .ticks i{display:none}.forest .ticks div{grid-column:1/-1}
dl.facts{grid-template-columns:1fr}
dl.facts div{display:grid;grid-template-columns:84px 1fr;gap:8px;align-items:baseline}}
@media print{body{background:#fff}.filters,#cmd{display:none}section{break-inside:avoid-page}}
"""

JS = """
const bar=document.getElementById('cmd'),text=bar.querySelector('pre'),copy=bar.querySelector('.copy');
function show(cell){text.textContent=cell.dataset.cmd;bar.hidden=false}
document.querySelectorAll('[data-cmd]').forEach(cell=>{cell.tabIndex=0;
cell.addEventListener('click',()=>show(cell));
cell.addEventListener('keydown',e=>{if(e.key==='Enter')show(cell)})});
bar.querySelector('.close').addEventListener('click',()=>{bar.hidden=true});
copy.addEventListener('click',async()=>{
try{await navigator.clipboard.writeText(text.textContent);copy.textContent='Copied'}
catch(e){const range=document.createRange();range.selectNodeContents(text);
getSelection().removeAllRanges();getSelection().addRange(range);copy.textContent='Selected'}
setTimeout(()=>{copy.textContent='Copy'},1500)});
const buttons=[...document.querySelectorAll('.filters [data-show]')];
const clips=[...document.querySelectorAll('.gallery figure')];
buttons.forEach(button=>button.addEventListener('click',()=>{
buttons.forEach(b=>b.setAttribute('aria-pressed',String(b===button)));
const want=button.dataset.show;
clips.forEach(clip=>{clip.hidden=want!=='all'&&!clip.dataset.tags.split('|').includes(want);
if(clip.hidden)clip.querySelector('video').pause()})}));
clips.forEach(clip=>{const screen=clip.querySelector('.screen'),video=screen.firstChild;
const play=document.createElement('button');
video.controls=false;play.type='button';play.textContent='\u25b6';play.setAttribute('aria-label','Play');
screen.append(play);
screen.addEventListener('click',()=>{if(video.paused)video.play();else video.pause()});
screen.addEventListener('dblclick',()=>{if(document.fullscreenElement)document.exitFullscreen();
else video.requestFullscreen().then(()=>video.play())});
video.addEventListener('play',()=>screen.classList.add('playing'));
video.addEventListener('pause',()=>screen.classList.remove('playing'))});
const every=document.querySelector('.every');
if(every)every.addEventListener('click',()=>{const shown=clips.filter(c=>!c.hidden).map(c=>c.querySelector('video'));
const stop=shown.some(v=>!v.paused);shown.forEach(v=>{if(stop)v.pause();else v.play()})});
"""
