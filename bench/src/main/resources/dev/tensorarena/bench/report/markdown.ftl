<#function cell text><#return text?replace("|", "\\|")></#function>
<#macro table t>
<#if t.rows?size == 0>
None.
<#else>
|<#list t.columns as column> ${cell(column.text)} |</#list>
|<#list t.columns as column>---<#if column.numbers>:</#if>|</#list>
<#list t.rows as row>
|<#list row as text> ${cell(text)} |</#list>
</#list>
</#if>
</#macro>
# Tensor Arena: benchmarks

Ratios within one run are what carries over to another machine. A score is a mean, ± 99.9 %; the least
is that of many windows of some 30 µs, which neighbours on the machine do not lengthen and in which nothing
was collected. What each row does, and what it leaves out, is in `bench/README.md`.
<#list report.notes>

<#items as note>
- ${note}
</#items>
</#list>

## The original's tables, with ours beside them

The original's numbers are those of its README, a Rust library on a machine that it does not name.
Compare ratios.
<#list report.runs as run>

### ${run.name}
<#list run.phase1 as t>

${t.caption}:

<@table t/>
</#list>
</#list>

## ${report.promises.caption}

${report.judged}

<@table report.promises/>
<#if report.comparison??>

## Against the baseline

${report.comparison.summary}
<#list report.comparison.tables as t>

### ${t.caption}

<@table t/>
</#list>
</#if>
<#list report.answers as answer>

## ${answer.title}
<#if answer.asks != "">

${answer.asks}
</#if>

<@table answer.table/>
</#list>

## Machine, JDK, flags, commit
<#list report.runs as run>

### ${run.name}

| | |
|---|---|
<#list run.facts as name, value>
| ${name} | ${cell(value)} |
</#list>
</#list>
