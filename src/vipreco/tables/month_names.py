"""Names of months in the languages that exports of banks are written in."""

from __future__ import annotations

from typing import Final

_LANGUAGES: Final = """
january february march april may june july august september october november december
jan feb mar apr may jun jul aug sep oct nov dec
januar februar märz april mai juni juli august september oktober november dezember
jän feb mär apr mai jun jul aug sept okt nov dez
janvier février mars avril mai juin juillet août septembre octobre novembre décembre
janv févr mars avr mai juin juil août sept oct nov déc
enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre
ene feb mar abr may jun jul ago sep oct nov dic
gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre dicembre
gen feb mar apr mag giu lug ago set ott nov dic
janeiro fevereiro março abril maio junho julho agosto setembro outubro novembro dezembro
jan fev mar abr mai jun jul ago set out nov dez
januari februari maart april mei juni juli augustus september oktober november december
jan feb mrt apr mei jun jul aug sep okt nov dec
一月 二月 三月 四月 五月 六月 七月 八月 九月 十月 十一月 十二月
"""

MONTHS: Final = {
    name: f"{number:02d}"
    for line in _LANGUAGES.split("\n")
    for number, name in enumerate(line.split(), start=1)
}
"""Two digits of each month by its name in lower case."""
