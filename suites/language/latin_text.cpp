#include "suites/language/latin_text.h"

namespace assay::suites {

namespace {

constexpr std::string_view kEnglish =
    R"(Okay, so I need to find out how many ways there are to choose the cards. Let me think about this step by step.
First, the problem says that each house has a different colour, and nobody lives next to the doctor. Wait, maybe I
should check whether the first condition really holds. If we multiply both sides by two, we get the same equation
again, which means that nothing was lost. Alternatively, we could try to solve it with a simple substitution. That
doesn't seem right, because the sum of the two numbers would be larger than the total. Hmm, let me see what happens
when the train leaves an hour later. The answer should be a whole number, so this case is impossible. Therefore the
speed of the boat must be twelve miles an hour, and the river flows at three. Now I understand why the second clue
matters: it tells us where the red house stands. We have already used all of the other clues, so only one
possibility is left. In other words, every prime divisor of the product must also divide one of the factors. Suppose
that the opposite were true; then there would be a smallest counterexample. But the function is continuous on the
interval, hence it takes its greatest value somewhere. I think the question asks for the remainder, not for the
quotient. Let's double-check the arithmetic before giving the final answer. Her brother bought fresh bread and some
cheese at the market yesterday morning. They had been waiting at the station for nearly an hour when it began to rain.
What would you do if you lost your keys on the way home? The children were playing in the garden while their mother
was reading a newspaper. It is often cold in winter, but last year we hardly saw any snow. Scientists have found that
these birds can remember hundreds of places. The company said it would open three new offices during the next year.
Although the book is short, it took me several weeks to finish. Please write your name at the top of the page and
answer each question below. Many people believe that the city was built more than two thousand years ago. You can
either walk through the park or take the bus that goes along the river. There's nothing wrong with asking for help
when you don't know something. He looked at the map again and noticed that they had taken the wrong road. The energy
of the system stays constant, since no force does any work on it. This reaction is slow at room temperature, yet it
becomes much faster when heated. Both methods give the same result, which makes me confident that it is correct.
Perhaps the user wants a shorter explanation; I should keep it clear and to the point. Each row of the table has
exactly three entries, so there can't be more than nine of them. We know that the largest angle lies opposite the
longest side. Actually, that is not quite what was asked. Going back to the beginning, the total weight was given.)";
constexpr std::string_view kEnglishWords =
    "the be to of and a in that have I it for not on with he as you do at this but his by from they we say her she or "
    "an will my one all would there their what so up out if about who get which go me when make can like time no just "
    "him know take people into year your good some could them see other than then now look only come its over think "
    "also back after use two how our work first well way even new want because any these give day most us is are was "
    "were been has had did does said made find found may must should here where why too very much many more before "
    "between under again still such each those both through down off own same while during without within against "
    "never always every another around however since until yes let okay wait maybe thus hence given right wrong number "
    "value answer equal greater less sum problem question case step check";

constexpr std::string_view kGerman =
    R"(Also, ich muss herausfinden, wie viele Möglichkeiten es gibt, die Karten auszuwählen. Überlegen wir das Schritt
für Schritt. Zunächst steht in der Aufgabe, dass jedes Haus eine andere Farbe hat und niemand neben dem Arzt wohnt.
Moment, vielleicht sollte ich prüfen, ob die erste Bedingung wirklich gilt. Wenn wir beide Seiten mit zwei
multiplizieren, erhalten wir wieder dieselbe Gleichung, es ging also nichts verloren. Man könnte es auch durch
einfaches Einsetzen lösen. Das scheint nicht richtig zu sein, denn die Summe der beiden Zahlen wäre größer als das
Ganze. Mal sehen, was geschieht, wenn der Zug eine Stunde später abfährt. Die Antwort muss eine ganze Zahl sein,
deshalb ist dieser Fall unmöglich. Daher beträgt die Geschwindigkeit des Bootes zwölf Kilometer in der Stunde. Jetzt
verstehe ich, warum der zweite Hinweis wichtig ist: er sagt uns, wo das rote Haus steht. Alle anderen Hinweise haben
wir bereits verwendet, es bleibt nur noch eine Möglichkeit übrig. Mit anderen Worten muss jeder Primteiler des
Produkts auch einen der Faktoren teilen. Angenommen, das Gegenteil wäre wahr; dann gäbe es ein kleinstes
Gegenbeispiel. Die Funktion ist jedoch stetig, folglich nimmt sie irgendwo ihren größten Wert an. Ich glaube, gefragt
ist nach dem Rest und nicht nach dem Quotienten. Rechnen wir noch einmal nach, bevor wir das Ergebnis angeben. Ihr
Bruder kaufte gestern früh frisches Brot und etwas Käse auf dem Markt. Sie hatten fast eine Stunde am Bahnhof
gewartet, als es zu regnen begann. Was würdest du tun, wenn du auf dem Heimweg deine Schlüssel verlierst? Die Kinder
spielten im Garten, während ihre Mutter eine Zeitung las. Im Winter ist es oft kalt, aber voriges Jahr haben wir kaum
Schnee gesehen. Forscher haben festgestellt, dass diese Vögel sich hunderte Orte merken können. Das Unternehmen
teilte mit, es werde im nächsten Jahr drei neue Büros eröffnen. Obwohl das Buch kurz ist, habe ich mehrere Wochen
dafür gebraucht. Bitte schreiben Sie Ihren Namen oben auf die Seite und beantworten Sie jede Frage. Viele Menschen
glauben, dass die Stadt vor mehr als zweitausend Jahren gebaut wurde. Man kann entweder durch den Park gehen oder den
Bus nehmen, der am Fluss entlang fährt. Es ist nichts Falsches daran, um Hilfe zu bitten, wenn man etwas nicht weiß.
Er sah noch einmal auf die Karte und merkte, dass sie den falschen Weg genommen hatten. Die Energie des Systems
bleibt erhalten, da keine Kraft Arbeit verrichtet. Diese Reaktion läuft bei Zimmertemperatur langsam ab, wird beim
Erhitzen aber viel schneller. Beide Verfahren liefern dasselbe Ergebnis, daher bin ich zuversichtlich, dass es stimmt.
Vielleicht möchte der Nutzer eine kürzere Erklärung. Jede Zeile der Tabelle hat genau drei Einträge, mehr als neun
können es also nicht sein. Der größte Winkel liegt der längsten Seite gegenüber. Eigentlich war das nicht ganz die
Frage. Zurück zum Anfang: das Gesamtgewicht war gegeben.)";
constexpr std::string_view kGermanWords =
    "der die und in den von zu das mit sich des auf für ist im dem nicht ein eine als auch es an werden aus er hat "
    "dass sie nach wird bei einer um am sind noch wie einem über einen so zum war haben nur oder aber vor zur bis mehr "
    "durch man sein wurde sei ich wir du ihr uns mich mir dir ihm ihn ihnen kann können muss müssen soll sollte will "
    "wollen wenn dann weil denn doch schon hier dort wo was wer warum welche welcher welches dieser diese dieses jeder "
    "jede jedes alle alles viel viele wenig immer nie wieder jetzt heute zwei drei ersten zweite gleich gegen zwischen "
    "unter ohne seit während jedoch also somit damit daher folglich daraus ergibt gilt sei Zahl Wert Antwort Lösung "
    "Summe Frage Fall Schritt größer kleiner richtig falsch bereits sehr ganz ja nein keine kein wäre würde hätte";

constexpr std::string_view kFrench =
    R"(Bon, je dois trouver de combien de façons on peut choisir les cartes. Réfléchissons étape par étape. D'abord,
l'énoncé dit que chaque maison a une couleur différente et que personne n'habite à côté du médecin. Attends, je
devrais peut-être vérifier si la première condition est vraiment remplie. Si nous multiplions les deux membres par
deux, nous retrouvons la même équation, donc rien n'a été perdu. On pourrait aussi essayer de résoudre le problème
par une simple substitution. Cela ne semble pas correct, car la somme des deux nombres serait plus grande que le
total. Voyons ce qui se passe quand le train part une heure plus tard. La réponse doit être un nombre entier, ce cas
est donc impossible. Par conséquent, la vitesse du bateau est de douze kilomètres à l'heure. Maintenant je comprends
pourquoi le deuxième indice est important : il nous dit où se trouve la maison rouge. Nous avons déjà utilisé tous les
autres indices, il ne reste qu'une seule possibilité. Autrement dit, tout diviseur premier du produit divise aussi
l'un des facteurs. Supposons le contraire ; il existerait alors un plus petit contre-exemple. Or la fonction est
continue sur l'intervalle, elle atteint donc son maximum quelque part. Je crois que la question porte sur le reste et
non sur le quotient. Vérifions encore une fois le calcul avant de donner le résultat. Son frère a acheté du pain frais
et un peu de fromage au marché hier matin. Ils attendaient à la gare depuis presque une heure quand il s'est mis à
pleuvoir. Que ferais-tu si tu perdais tes clés en rentrant chez toi ? Les enfants jouaient dans le jardin pendant que
leur mère lisait un journal. Il fait souvent froid en hiver, mais l'année dernière nous n'avons presque pas vu de
neige. Des chercheurs ont découvert que ces oiseaux peuvent retenir des centaines d'endroits. L'entreprise a annoncé
qu'elle ouvrirait trois nouveaux bureaux au cours de l'année prochaine. Bien que le livre soit court, il m'a fallu
plusieurs semaines pour le finir. Veuillez écrire votre nom en haut de la page et répondre à chaque question.
Beaucoup de gens pensent que la ville a été construite il y a plus de deux mille ans. Vous pouvez soit traverser le
parc, soit prendre le bus qui longe la rivière. Il n'y a pas de mal à demander de l'aide lorsqu'on ne sait pas quelque
chose. Il regarda de nouveau la carte et remarqua qu'ils avaient pris la mauvaise route. L'énergie du système reste
constante, puisqu'aucune force ne travaille. Cette réaction est lente à température ambiante, mais elle devient
beaucoup plus rapide quand on chauffe. Les deux méthodes donnent le même résultat, ce qui me rassure. L'utilisateur
souhaite peut-être une explication plus courte. Chaque ligne du tableau contient exactement trois valeurs, il ne peut
donc pas y en avoir plus de neuf. Le plus grand angle est opposé au plus long côté. En fait, ce n'est pas tout à fait
ce qui était demandé. Revenons au début : le poids total était donné.)";
constexpr std::string_view kFrenchWords =
    "le la les de des du un une et à au aux en dans est sont que qui ne pas ce cette ces il elle ils elles on nous "
    "vous je tu se sa son ses leur leurs mon ma mes ton notre votre pour par avec sur sous sans plus moins mais ou où "
    "donc or ni car si comme quand lorsque alors ainsi aussi très bien tout toute tous toutes autre autres même mêmes "
    "être avoir fait faire peut peuvent doit doivent avons ont était étaient sera serait soit été y cela ça ceci celui "
    "celle dont quoi quel quelle entre vers chez avant après depuis pendant contre chaque plusieurs quelques peu "
    "beaucoup trop encore déjà jamais toujours maintenant ici là deux trois premier première nombre valeur réponse "
    "somme question cas étape égal supérieur inférieur vrai faux oui non voyons vérifions parce puisque cependant "
    "c'est d'un d'une l'on qu'il n'est j'ai s'il";

constexpr std::string_view kSpanish =
    R"(Bueno, tengo que averiguar de cuántas maneras se pueden elegir las cartas. Pensemos paso a paso. Primero, el
enunciado dice que cada casa tiene un color distinto y que nadie vive al lado del médico. Espera, quizá debería
comprobar si la primera condición se cumple de verdad. Si multiplicamos ambos lados por dos, obtenemos otra vez la
misma ecuación, así que no se ha perdido nada. También podríamos intentar resolverlo con una simple sustitución. Eso
no parece correcto, porque la suma de los dos números sería mayor que el total. Veamos qué ocurre cuando el tren sale
una hora más tarde. La respuesta debe ser un número entero, por lo que este caso es imposible. Por lo tanto, la
velocidad del barco es de doce kilómetros por hora. Ahora entiendo por qué la segunda pista es importante: nos dice
dónde está la casa roja. Ya hemos usado todas las demás pistas, de modo que solo queda una posibilidad. En otras
palabras, todo divisor primo del producto divide también a uno de los factores. Supongamos lo contrario; entonces
habría un contraejemplo mínimo. Pero la función es continua en el intervalo, luego alcanza su máximo en algún punto.
Creo que la pregunta pide el resto y no el cociente. Revisemos la cuenta una vez más antes de dar el resultado. Su
hermano compró ayer pan fresco y un poco de queso en el mercado. Llevaban casi una hora esperando en la estación
cuando empezó a llover. ¿Qué harías si perdieras las llaves de camino a casa? Los niños jugaban en el jardín mientras
su madre leía un periódico. En invierno suele hacer frío, pero el año pasado apenas vimos nieve. Los científicos han
descubierto que estos pájaros pueden recordar cientos de lugares. La empresa anunció que abriría tres oficinas nuevas
durante el próximo año. Aunque el libro es corto, tardé varias semanas en terminarlo. Por favor, escriba su nombre en
la parte superior de la hoja y conteste cada pregunta. Mucha gente cree que la ciudad fue construida hace más de dos
mil años. Puedes cruzar el parque o tomar el autobús que va a lo largo del río. No hay nada malo en pedir ayuda cuando
uno no sabe algo. Miró de nuevo el mapa y se dio cuenta de que habían tomado el camino equivocado. La energía del
sistema se mantiene constante, ya que ninguna fuerza realiza trabajo. Esta reacción es lenta a temperatura ambiente,
pero se vuelve mucho más rápida al calentarla. Los dos métodos dan el mismo resultado, lo que me hace pensar que es
correcto. Tal vez el usuario quiera una explicación más breve. Cada fila de la tabla tiene exactamente tres valores,
así que no puede haber más de nueve. El ángulo mayor está frente al lado más largo. En realidad, eso no es
exactamente lo que se pedía. Volvamos al principio: el peso total estaba dado.
Hay que hallar el valor de la incógnita. Abra la ventana y guarde los cambios. El gato duerme encima de la mesa vieja.
¿Cuál de ustedes ha visto mi chaqueta? Ellos viven en un pueblo pequeño cerca del mar. Escriba una contraseña más larga
y vuelva a intentarlo. Los alumnos deben leer el texto completo antes del lunes. Siga las instrucciones de la página
siguiente. Mi hermana trabaja en un hospital y mi padre es carpintero. Se puede elegir entre un tema claro y otro oscuro.
Nos gustaría reservar una mesa para cuatro personas. El agua hierve a cien grados. Ninguno de los archivos se pudo
borrar. Ayer llegaron las cajas que habíamos pedido. Así se obtiene el mismo cociente en cada fila. Este usuario no
tiene permiso para cambiar la dirección. Quiero aprender a tocar la guitarra. Los números pares son divisibles entre dos.
La lista está vacía, pruebe con otra palabra. ¡Qué día tan bonito! Dígame la hora, por favor. El perro no es de Ana
ni de Luis.)";
constexpr std::string_view kSpanishWords =
    "el la los las de del un una unos unas y a al en es son que no se lo su sus por para con sin sobre entre hasta "
    "desde como más menos pero o u si cuando donde porque pues entonces así también muy bien todo toda todos todas "
    "otro otra otros otras mismo misma este esta estos estas ese esa eso esto aquel yo tú él ella nosotros ellos ellas "
    "usted ustedes me te le les nos mi tu nuestro ser estar haber hacer tener hay ha han he hemos había era eran fue "
    "fueron sea sería será está están puede pueden debe deben tiene tienen hace cada algún alguna ningún nada nadie "
    "siempre nunca ahora aquí allí ya aún todavía antes después durante contra según dos tres primero primera segundo "
    "número valor respuesta suma pregunta caso paso igual mayor menor correcto falso sí quizás tal luego obtenemos "
    "sabemos decir cual cuales quien qué cómo cuál cuánto";

constexpr std::string_view kItalian =
    R"(Allora, devo scoprire in quanti modi si possono scegliere le carte. Ragioniamo passo dopo passo. Innanzitutto il
testo dice che ogni casa ha un colore diverso e che nessuno abita accanto al medico. Aspetta, forse dovrei
controllare se la prima condizione vale davvero. Se moltiplichiamo entrambi i membri per due, otteniamo di nuovo la
stessa equazione, quindi non si è perso nulla. Potremmo anche provare a risolverlo con una semplice sostituzione. Non
sembra giusto, perché la somma dei due numeri sarebbe più grande del totale. Vediamo che cosa succede quando il treno
parte un'ora più tardi. La risposta deve essere un numero intero, perciò questo caso è impossibile. Dunque la velocità
della barca è di dodici chilometri all'ora. Adesso capisco perché il secondo indizio è importante: ci dice dove si
trova la casa rossa. Abbiamo già usato tutti gli altri indizi, rimane soltanto una possibilità. In altre parole, ogni
divisore primo del prodotto divide anche uno dei fattori. Supponiamo il contrario; allora esisterebbe un
controesempio minimo. Ma la funzione è continua nell'intervallo, quindi raggiunge il suo massimo da qualche parte.
Credo che la domanda riguardi il resto e non il quoziente. Verifichiamo ancora una volta il calcolo prima di dare il
risultato. Suo fratello ha comprato ieri mattina del pane fresco e un po' di formaggio al mercato. Aspettavano alla
stazione da quasi un'ora quando cominciò a piovere. Che cosa faresti se perdessi le chiavi tornando a casa? I bambini
giocavano nel giardino mentre la loro madre leggeva un giornale. D'inverno fa spesso freddo, ma l'anno scorso abbiamo
visto poca neve. Gli scienziati hanno scoperto che questi uccelli riescono a ricordare centinaia di luoghi. L'azienda
ha annunciato che aprirà tre nuovi uffici nel corso del prossimo anno. Anche se il libro è breve, ci ho messo diverse
settimane per finirlo. Scrivete il vostro nome in cima alla pagina e rispondete a ogni domanda. Molta gente crede che
la città sia stata costruita più di duemila anni fa. Potete attraversare il parco oppure prendere l'autobus che va
lungo il fiume. Non c'è niente di male nel chiedere aiuto quando non si sa qualcosa. Guardò di nuovo la mappa e si
accorse che avevano preso la strada sbagliata. L'energia del sistema resta costante, poiché nessuna forza compie
lavoro. Questa reazione è lenta a temperatura ambiente, ma diventa molto più veloce se riscaldata. I due metodi danno
lo stesso risultato, il che mi rende sicuro che sia corretto. Forse l'utente vuole una spiegazione più breve. Ogni
riga della tabella contiene esattamente tre valori, quindi non possono essere più di nove. L'angolo maggiore si trova
di fronte al lato più lungo. In realtà non è proprio quello che veniva chiesto. Torniamo all'inizio: il peso totale
era dato.
Bisogna trovare il valore dell'incognita. Apra la finestra e salvi le modifiche. Il gatto dorme sopra il vecchio tavolo.
Chi di voi ha visto la mia giacca? Loro vivono in un piccolo paese vicino al mare. Scriva una parola più lunga e provi di
nuovo. Gli alunni devono leggere il testo intero entro lunedì. Segua le istruzioni della pagina successiva. Mia sorella
lavora in un ospedale e mio padre fa il falegname. Si può scegliere tra un tema chiaro e uno scuro. Vorremmo prenotare un
tavolo per quattro persone. L'acqua bolle a cento gradi. Nessuno dei file può essere cancellato. Ieri sono arrivate le
scatole che avevamo ordinato. Così si ottiene lo stesso quoziente in ogni riga. Questo utente non ha il permesso di
cambiare l'indirizzo. Voglio imparare a suonare la chitarra. I numeri pari sono divisibili per due. L'elenco è vuoto,
provi con un'altra parola. Che bella giornata! Mi dica l'ora, per favore. Il cane non è di Anna né di Luigi.)";
constexpr std::string_view kItalianWords =
    "il lo la i gli le di del dello della dei degli delle a al allo alla ai agli alle da dal dalla in nel nella nei "
    "nelle con su sul sulla per tra fra un uno una e ed o ma se che chi cui non è sono era erano sia siano essere "
    "avere "
    "ha hanno ho abbiamo aveva fa fare può possono deve devono si ci vi ne mi ti lui lei noi voi loro io tu suo sua "
    "suoi "
    "mio nostro questo questa questi queste quello quella quelli ogni tutto tutta tutti tutte altro altra altri altre "
    "stesso stessa più meno molto poco tanto troppo anche ancora già mai sempre ora adesso qui là dove quando come "
    "perché poiché quindi dunque allora così però invece oppure prima dopo durante contro senza fino due tre primo "
    "prima secondo numero valore risposta somma domanda caso passo uguale maggiore minore corretto giusto sbagliato sì "
    "no otteniamo sappiamo vediamo cioè infatti c'è dell'un un'altra quale quali quanto quanti nessun nulla";

constexpr std::string_view kPortuguese =
    R"(Bem, preciso descobrir de quantas maneiras se podem escolher as cartas. Vamos pensar passo a passo. Primeiro, o
enunciado diz que cada casa tem uma cor diferente e que ninguém mora ao lado do médico. Espere, talvez eu devesse
verificar se a primeira condição é realmente satisfeita. Se multiplicarmos os dois lados por dois, obtemos de novo a
mesma equação, portanto nada se perdeu. Também poderíamos tentar resolver com uma simples substituição. Isso não
parece certo, porque a soma dos dois números seria maior do que o total. Vejamos o que acontece quando o trem sai uma
hora mais tarde. A resposta deve ser um número inteiro, então este caso é impossível. Portanto, a velocidade do barco
é de doze quilômetros por hora. Agora entendo por que a segunda pista é importante: ela nos diz onde fica a casa
vermelha. Já usamos todas as outras pistas, de modo que resta apenas uma possibilidade. Em outras palavras, todo
divisor primo do produto também divide um dos fatores. Suponhamos o contrário; nesse caso haveria um contraexemplo
mínimo. Mas a função é contínua no intervalo, logo ela atinge o seu máximo em algum ponto. Acho que a pergunta pede o
resto e não o quociente. Vamos conferir a conta mais uma vez antes de dar o resultado. O irmão dela comprou ontem de
manhã pão fresco e um pouco de queijo no mercado. Eles esperavam na estação havia quase uma hora quando começou a
chover. O que você faria se perdesse as chaves a caminho de casa? As crianças brincavam no jardim enquanto a mãe lia
um jornal. No inverno costuma fazer frio, mas no ano passado quase não vimos neve. Os cientistas descobriram que essas
aves conseguem lembrar centenas de lugares. A empresa anunciou que abrirá três novos escritórios durante o próximo
ano. Embora o livro seja curto, levei várias semanas para terminá-lo. Por favor, escreva o seu nome no alto da folha e
responda a cada pergunta. Muita gente acredita que a cidade foi construída há mais de dois mil anos. Você pode
atravessar o parque ou pegar o ônibus que segue ao longo do rio. Não há nada de errado em pedir ajuda quando não se
sabe alguma coisa. Ele olhou de novo para o mapa e percebeu que tinham tomado o caminho errado. A energia do sistema
permanece constante, já que nenhuma força realiza trabalho. Esta reação é lenta à temperatura ambiente, mas fica muito
mais rápida quando aquecida. Os dois métodos dão o mesmo resultado, o que me deixa confiante de que está correto.
Talvez o usuário queira uma explicação mais curta. Cada linha da tabela tem exatamente três valores, de forma que não
podem ser mais de nove. O maior ângulo fica em frente ao lado mais comprido. Na verdade, não é bem isso que foi
perguntado. Voltando ao início: o peso total foi dado.
Temos de encontrar o valor da incógnita. Abra a janela e grave as alterações. O gato dorme em cima da mesa velha. Qual de
vocês viu o meu casaco? Eles moram numa aldeia pequena perto do mar. Escreva uma senha mais longa e tente novamente. Os
alunos devem ler o texto inteiro até segunda-feira. Siga as instruções da página seguinte. A minha irmã trabalha num
hospital e o meu pai é carpinteiro. Pode-se escolher entre um tema claro e outro escuro. Gostaríamos de reservar uma mesa
para quatro pessoas. A água ferve a cem graus. Nenhum dos ficheiros pôde ser apagado. Ontem chegaram as caixas que
tínhamos pedido. Assim obtém-se o mesmo quociente em cada linha. Este utilizador não tem permissão para mudar o endereço.
Quero aprender a tocar violão. Os números pares são divisíveis por dois. A lista está vazia, tente outra palavra. Que dia
tão bonito! Diga-me as horas, por favor. O cachorro não é da Ana nem do Luís.)";
constexpr std::string_view kPortugueseWords =
    "o a os as de do da dos das um uma uns umas e é em no na nos nas que não se por pelo pela para com sem sobre entre "
    "até desde como mais menos mas ou se quando onde porque pois então assim também muito bem todo toda todos todas "
    "tudo "
    "outro outra outros outras mesmo mesma este esta estes estas esse essa isso isto aquele aquilo eu tu ele ela nós "
    "eles "
    "elas você vocês me te lhe meu minha seu sua seus suas nosso ser estar haver fazer ter há tem têm são foi foram "
    "era "
    "eram seja seria será está estão pode podem deve devem temos vamos cada algum alguma nenhum nada ninguém sempre "
    "nunca "
    "agora aqui ali já ainda antes depois durante contra segundo dois duas três primeiro primeira número valor "
    "resposta "
    "soma pergunta caso passo igual maior menor correto errado sim talvez logo portanto obtemos sabemos dizer qual "
    "quais "
    "quem quanto quantos ao aos à às num numa dele dela";

}  // namespace

const std::array<LatinText, 6>& latin_texts() {
  static constexpr std::array<LatinText, 6> kTexts{{
      {Language::en, kEnglish, kEnglishWords},
      {Language::de, kGerman, kGermanWords},
      {Language::fr, kFrench, kFrenchWords},
      {Language::es, kSpanish, kSpanishWords},
      {Language::it, kItalian, kItalianWords},
      {Language::pt, kPortuguese, kPortugueseWords},
  }};
  return kTexts;
}

}  // namespace assay::suites
