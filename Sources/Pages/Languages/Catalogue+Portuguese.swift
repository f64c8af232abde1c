// SPDX-License-Identifier: Apache-2.0

import Decisions

extension Catalogue {
    static let portuguese = Catalogue(
        phrases: [
            .continueLabel: "Continuar", .codeLabel: "Código", .statusLabel: "Estado",
            .requestIDLabel: "ID da solicitação", .timeLabel: "Hora", .signedInAsLabel: "Conectado como",
            .accountLabel: "Conta", .switchAccountLabel: "Usar outra conta", .tryAgainLabel: "Tentar novamente",
            .fixLabel: "Para o administrador",

            .redirectingTitle: "Um momento",
            .redirecting: "Você está sendo redirecionado. Se nada acontecer, use o link.",
            .chooseTitle: "Entrar",
            .choose: "Escolha como deseja entrar.",
            .signedOutTitle: "Você saiu",
            .signedOut: "Sua sessão aqui terminou. Você pode fechar esta página.",
            .signedOutAdvice: "Em um dispositivo compartilhado, saia também do seu provedor de identidade.",
            .signInAgainLabel: "Entrar novamente",
            .confirmSignInTitle: "É você?",
            .confirmSignIn: "Um login com esta conta começou em outro lugar, não nesta página.",
            .confirmSignInAdvice: "Continue somente se foi você quem o começou e se a conta é sua.",
            .confirmSignInLabel: "Sim, entrar",
            .cancelSignInLabel: "Não, não sou eu",
            .returnedElsewhereTitle: "O login chegou a outro endereço",
            .confirmSignOutTitle: "Sair?",
            .confirmSignOut: "Sua sessão aqui vai terminar. O trabalho não salvo pode ser perdido.",
            .confirmSignOutLabel: "Sair",
            .cancelSignOutLabel: "Continuar conectado",
            .loginLoopTitle: "O login está se repetindo",
            .loginLoop:
                "Você entrou várias vezes em poucos segundos, mas a sessão se perdeu todas as vezes. As causas prováveis são:",
            .loopByCookies:
                "Seu navegador bloqueia os cookies deste site. Permita-os, também em janelas anônimas.",
            .loopByScheme:
                "O endereço começa com http://, mas o site espera https://; por isso o navegador descarta o cookie seguro.",
            .loopByHost: "O site é acessado por mais de um nome de host, e o cookie pertence a outro deles.",
            .loopByClock: "O relógio deste dispositivo ou do servidor está errado.",
            .loopBySecrets: "Os servidores deste site usam segredos de sessão diferentes.",
            .upstreamDownAdvice: "Tente novamente em instantes.",

            .sessionEndedTitle: "Sua sessão terminou",
            .notSignedInTitle: "Você não está conectado",
            .formKept:
                "O que você preencheu ainda não foi enviado, mas está guardado nesta página. Entre em outra aba, volte aqui e envie.",
            .formKeptAdvice: "Mantenha esta página aberta até lá.",
            .signedInBeforeLabel: "Conectado até agora como",
            .signInLabel: "Entrar",
            .sendFormLabel: "Enviar",
            .formOfOtherTitle: "Enviar com outra conta?",
            .formOfOther:
                "Este formulário foi preenchido com uma conta, e você está conectado com outra. Ele ainda não foi enviado.",
            .filledInLabel: "Preenchido com",
            .signedInNowLabel: "Conectado agora como",
            .sendFormAsLabel: "Enviar como {account}",
            .formLost: "O que você preencheu não foi enviado.",
            .formLostAdvice:
                "Entre em outra aba e depois volte nesta: a maioria dos navegadores ainda mostra ali o que você preencheu.",
            .formLostOff: "Este site não guarda formulários.",
            .formLostOtherSite: "Não foi possível guardá-lo, porque não veio de uma página deste site.",
            .formLostType: "Não foi possível guardá-lo, porque não é um formulário comum.",
            .formLostFiles: "Não foi possível guardá-lo, porque contém arquivos.",
            .formLostSize: "Não foi possível guardá-lo, porque é grande demais.",
            .formLostCount: "Não foi possível guardá-lo, porque tem campos demais.",
            .formLostRoom: "Não foi possível guardá-lo, porque o servidor está ocupado.",
            .formLostUnsendable:
                "Não foi possível guardá-lo, porque seu navegador não poderia enviá-lo de novo sem alterações.",
            .formLostAddress: "Não foi possível guardá-lo, porque o endereço do formulário é longo demais.",
            .signedInTitle: "Você está conectado",
            .signedInForForm: "Volte à outra aba e envie o formulário. Você pode fechar esta.",
            .notSignedInForForm: "Entre, volte à outra aba e envie o formulário.",
            .frameTitle: "Entre na sua conta",
            .frame: "Esta parte da página exige que você entre na sua conta, o que só é possível na janela inteira.",
            .frameAdvice: "Se o botão não fizer nada, abra este site em uma aba separada.",
            .leaving: "Você está sendo redirecionado para a página de login. Se nada acontecer, use o botão.",
            .arriving: "Você está sendo redirecionado para a sua página. Se nada acontecer, use o botão.",
            .linkTooLong:
                "O endereço da página que você queria ver é longo demais para ser guardado durante o login.",
            .linkTooLongAdvice: "Abra o link de novo: agora ele leva à página. Ou siga para a página inicial.",

            .otherRefusalTitle: "A solicitação foi recusada",
            .otherRefusal: "Não foi possível processar a solicitação.",
            .otherFailureTitle: "Algo deu errado",
            .otherFailure: "Não foi possível processar a solicitação. Tente novamente.",
            .otherReasonTitle: "Não foi possível entrar",
            .otherReason: "O login não pôde ser concluído.",
            .otherReasonAdvice:
                "Tente novamente. Se continuar falhando, informe o código e o ID da solicitação ao seu administrador.",
            .otherReasonFix: "Procure o ID da solicitação no log.",

            .returnPathMismatch: "Ele enviou você para {path}; os logins são aceitos em {expected}.",
            .or: "ou",
            .tokenInPath:
                "Ele acrescentou seu token com & a {path}, que não tem consulta, por isso o token se tornou parte do caminho; os logins são aceitos em {expected}.",
            .tokenInPathFix:
                "Faça o provedor acrescentar o token com ? quando o endereço de retorno não tem consulta. Se ele não puder, informe ali o endereço de retorno com um ponto de interrogação no fim.",
            .wrongUnitTitle: "O token de login conta o tempo em {unit}",
            .wrongUnit:
                "A hora \"{claim}\" do token de login está em {unit}, mas tokens contam segundos; por isso ela fica muito longe no futuro.",
            .wrongUnitAdvice: "Tentar novamente não vai ajudar. Informe o código abaixo ao seu administrador.",
            .wrongUnitFix: "O provedor deve enviar segundos inteiros desde 1970.",
            .wrongUnitFixByScript:
                "O provedor deve dividir suas horas por 1000; em JavaScript, Math.floor(Date.now() / 1000).",
            .milliseconds: "milissegundos", .microseconds: "microssegundos", .nanoseconds: "nanossegundos",
            .fieldMissing: "Falta o campo {field}.",
            .fieldMissingInClaims: "Falta o campo {field} (claims: {claims}).",
            .emailUnverified:
                "O claim email não conta, porque email_verified não é true (token.acceptUnverifiedEmail).",
            .fieldNotText: "O campo {field} não é um texto nem uma lista de textos.",
            .fieldValueCount: "O campo {field} tem {count} valores; são aceitos no máximo {limit}.",
            .fieldSingleValue: "O campo {field} tem {count} valores; é aceito um.",
            .fieldValueLength: "O campo {field} tem um valor de {count} bytes; são aceitos no máximo {limit}.",
            .fieldControlCharacter: "O campo {field} contém um caractere de controle.",
            .fieldBlankEnd: "O campo {field} tem espaços no início ou no fim.",
            .fieldWithoutSingleAt: "O campo {field} não tem exatamente um @.",
            .fieldNotPlainEmail: "O campo {field} não é um único endereço de e-mail simples.",
            .fieldTotal: "Com o campo {field}, todos os campos somam {count} bytes; são aceitos no máximo {limit}.",
            .sessionTooLarge:
                "A sessão não cabe nos {limit} cookies que pode ter; o maior campo é {field}, com {count} bytes.",
            .fieldAdvice: "Tentar novamente não vai ajudar. Peça ao seu administrador que corrija sua conta.",
            .returnedElsewhere:
                "O provedor de identidade devolveu você para {actual}, mas o endereço deste site é {expected}; o cookie criado no começo do login só existe nesse endereço.",
            .providerErrorCode: "O código de erro dele é {code}.",
            .providerSentNothing: "Ele não enviou nem um código nem um erro.",
            .otherResponseMode: "Ele enviou a resposta {actual}; este site a aceita {expected}.",
            .responseInURL: "no URL",
            .responseInForm: "em um formulário",
            .openIDStateFix:
                "Com OpenID Connect, um início de sessão começa no aplicativo: faça os links dos portais levarem a publicURL. Senão, procure outro nome de host, http em vez de https, ou cookies bloqueados.",
            .openIDResponseFix:
                "Permita ao cliente o fluxo authorization code no provedor. A resposta deve chegar como diz identityProvider.responseMode.",
            .openIDTokenFix:
                "A resposta não pode ter nenhum parâmetro repetido, e o token de ID deve ser assinado e não cifrado, com sub, iat e exp, como exige o OpenID Connect Core 1.0.",
            .openIDKeyFix:
                "A chave que assinou o token de ID deve estar no conjunto de chaves jwks_uri do provedor. O log indica as buscas que falharam; `sidegate doctor` tenta uma.",
            .openIDIssuerFix:
                "identityProvider.issuer deve ser exatamente igual ao \"iss\" da resposta e do token de ID, até a última barra.",
            .openIDAudienceFix:
                "identityProvider.clientID deve ser o cliente a que se destina o token de ID (\"aud\", \"azp\").",
        ],
        statuses: [
            400: StatusWords(
                title: "Não é possível ler a solicitação",
                message: "Seu navegador, ou um intermediário, enviou uma solicitação malformada."),
            401: StatusWords(title: "Entre na sua conta", message: "Esta página só é mostrada a quem está conectado."),
            403: StatusWords(title: "Não permitido", message: "Você não pode ver esta página."),
            404: StatusWords(title: "Página não encontrada", message: "Não há nenhuma página neste endereço."),
            405: StatusWords(
                title: "Método não permitido", message: "Este endereço não aceita este tipo de solicitação."),
            408: StatusWords(
                title: "A solicitação demorou demais",
                message: "Seu navegador não concluiu a solicitação a tempo. Tente novamente."),
            411: StatusWords(
                title: "A solicitação não informa o tamanho", message: "Este endereço exige o tamanho do conteúdo."),
            413: StatusWords(
                title: "O conteúdo é grande demais", message: "O conteúdo é maior do que este site aceita."),
            414: StatusWords(
                title: "O endereço é longo demais",
                message: "O endereço desta página é mais longo do que este site aceita."),
            417: StatusWords(
                title: "A expectativa não pode ser atendida",
                message: "Seu navegador espera algo que este site não oferece."),
            421: StatusWords(title: "Servidor errado", message: "Este servidor não atende o site solicitado."),
            429: StatusWords(
                title: "Solicitações demais", message: "Você enviou solicitações demais. Tente novamente em instantes."),
            431: StatusWords(
                title: "A solicitação é grande demais",
                message:
                    "Seu navegador enviou mais campos ou cookies do que este site aceita. Excluir os cookies deste site pode ajudar."
            ),
            500: StatusWords(
                title: "Algo deu errado",
                message: "A solicitação falhou por causa de um erro neste site. Tente novamente."),
            501: StatusWords(
                title: "Sem suporte", message: "Este site não oferece suporte a este tipo de solicitação."),
            502: StatusWords(
                title: "O aplicativo não responde",
                message: "Você chegou a este site, mas o aplicativo por trás dele não deu uma resposta válida."),
            503: StatusWords(
                title: "Indisponível no momento",
                message: "Este site está iniciando, parando ou sobrecarregado. Tente novamente em instantes."),
            504: StatusWords(
                title: "O aplicativo está demorando demais",
                message: "Você chegou a este site, mas o aplicativo por trás dele não respondeu a tempo."),
            505: StatusWords(
                title: "Versão do HTTP sem suporte",
                message: "Seu navegador usou uma versão do HTTP à qual este site não oferece suporte."),
        ],
        reasons: [
            .tokenMissing: ReasonText(
                title: "Nenhum token de login foi recebido",
                happened: "O provedor de identidade devolveu você sem um token de login.",
                advice: startInPortuguese,
                fix:
                    "Compare identityProvider.tokenParameter com o parâmetro que o provedor usa, e verifique se nada no caminho (um redirecionamento, um cache) corta a consulta."
            ),
            .tokenTooLarge: ReasonText(
                title: "O token de login é grande demais",
                happened: "O provedor de identidade enviou um token de login com mais de 16 KiB.",
                advice: cannotHelpInPortuguese,
                fix: "O provedor deve colocar menos dados no token; longas listas de grupos são a causa habitual."),
            .tokenMalformed: ReasonText(
                title: "O token de login está danificado",
                happened: "O provedor de identidade enviou um token de login malformado, ou mais de um.",
                advice: againInPortuguese,
                fix:
                    "O token deve ser um JWS compacto: três partes em base64url sem preenchimento, separadas por pontos, informado uma só vez. `sidegate explain` mostra onde está o defeito; muitas vezes o provedor acrescenta preenchimento ou codifica a URL duas vezes."
            ),
            .headerMalformed: ReasonText(
                title: "O token de login está danificado",
                happened: "Não é possível ler a primeira parte do token de login, o cabeçalho.",
                advice: againInPortuguese,
                fix:
                    "O cabeçalho deve ser um objeto JSON em UTF-8 com \"alg\" e sem nomes duplicados. Para provedores que escrevem os nomes de outra forma, configure token.headerAliases."
            ),
            .claimsMalformed: ReasonText(
                title: "O token de login está danificado",
                happened: "Não é possível ler a segunda parte do token de login, os dados sobre você.",
                advice: againInPortuguese,
                fix:
                    "Os claims devem ser um objeto JSON em UTF-8 sem nomes duplicados, e as horas devem ser números, não texto. Um token de logout não serve para entrar."
            ),
            .algorithmNotAllowed: ReasonText(
                title: "O token de login está assinado de forma inesperada",
                happened: "O token de login usa um algoritmo de assinatura que este site não aceita.",
                advice: cannotHelpInPortuguese,
                fix:
                    "Faça o provedor assinar com um dos token.algorithms, ou acrescente ali o algoritmo dele se quiser aceitá-lo."
            ),
            .algorithmMissing: ReasonText(
                title: "O token de login não diz como está assinado",
                happened: "O token de login não indica nenhum algoritmo de assinatura.",
                advice: cannotHelpInPortuguese,
                fix:
                    "O cabeçalho do token deve conter \"alg\". Para provedores que o escrevem de outra forma, configure token.headerAliases."
            ),
            .criticalHeaderUnsupported: ReasonText(
                title: "O token de login exige uma extensão desconhecida",
                happened:
                    "O token de login exige uma extensão (\"crit\") à qual este site não oferece suporte.",
                advice: cannotHelpInPortuguese,
                fix: "Desative a extensão no provedor; nenhum cabeçalho crítico tem suporte."),
            .keyNotFound: ReasonText(
                title: "O token de login não pode ser verificado",
                happened:
                    "Este site não tem uma chave que corresponda àquela com que o token de login foi assinado.",
                advice: againInPortuguese,
                fix:
                    "Compare \"kid\" e \"alg\" do token com token.keys. Se o provedor trocou de chaves, atualize o arquivo ou o conjunto de chaves."
            ),
            .signatureInvalid: ReasonText(
                title: "O token de login não é autêntico",
                happened: "A assinatura do token de login não confere.", advice: againInPortuguese,
                fix:
                    "Os dois lados devem ter o mesmo segredo (ou o par de chaves correspondente). Verifique token.keys: secretEncoding, um espaço ou fim de linha a mais, e o ambiente certo (teste ou produção)."
            ),
            .expired: ReasonText(
                title: "Este login expirou",
                happened: "O token de login era válido por pouco tempo e expirou.",
                advice: "Tente novamente. A causa habitual é uma página aberta por muito tempo ou um link antigo.",
                fix:
                    "Se acontecer logo em seguida, compare os relógios desta máquina e do provedor; token.clockSkew tolera pequenas diferenças."
            ),
            .notYetValid: ReasonText(
                title: "Este login ainda não é válido",
                happened: "O token de login ainda não é válido.",
                advice: "Espere um minuto e tente novamente.",
                fix:
                    "O relógio desta máquina está atrasado em relação ao do provedor (\"nbf\"). Sincronize os dois, ou aumente token.clockSkew."
            ),
            .issuedInFuture: ReasonText(
                title: "A data deste login está no futuro",
                happened: "Segundo o relógio deste site, o token de login foi emitido no futuro.",
                advice: "Espere um minuto e tente novamente.",
                fix:
                    "O relógio desta máquina está atrasado em relação ao do provedor (\"iat\"). Sincronize os dois, ou aumente token.clockSkew."
            ),
            .tooOld: ReasonText(
                title: "Este login é antigo demais",
                happened: "O token de login foi emitido há mais tempo do que este site aceita.",
                advice: "Tente novamente, começando pela página que queria ver.",
                fix:
                    "token.maxAge conta a partir de \"iat\". Compare os relógios, ou aumente o valor se o provedor demora a redirecionar."
            ),
            .expiryMissing: ReasonText(
                title: "O token de login não tem hora de expiração",
                happened: "O token de login não diz quando expira, e este site exige isso.",
                advice: cannotHelpInPortuguese,
                fix:
                    "Faça o provedor acrescentar \"exp\", ou defina token.requireExpiry como false e conte com token.maxAge."
            ),
            .issuedAtMissing: ReasonText(
                title: "O token de login não tem hora de emissão",
                happened: "O token de login não diz quando foi emitido.", advice: cannotHelpInPortuguese,
                fix:
                    "Sem \"exp\" o token precisa de \"iat\". Para provedores que o escrevem de outra forma, configure token.claimAliases."
            ),
            .issuerMismatch: ReasonText(
                title: "O login vem de outro provedor",
                happened:
                    "O token de login foi emitido por um provedor de identidade diferente daquele em que este site confia.",
                advice: cannotHelpInPortuguese,
                fix: "token.issuer deve ser exatamente igual ao \"iss\" do token, até a última barra."),
            .audienceMismatch: ReasonText(
                title: "O login destina-se a outro site",
                happened: "O token de login foi emitido para outro aplicativo.", advice: startInPortuguese,
                fix:
                    "Inclua o \"aud\" do token em token.audience. Um token que indica um destinatário é recusado enquanto essa lista estiver vazia."
            ),
            .idMissing: ReasonText(
                title: "O token de login não tem ID",
                happened: "Falta ao token de login o ID único que este site exige.",
                advice: cannotHelpInPortuguese,
                fix: "Faça o provedor acrescentar \"jti\", ou defina token.minimumIDLength como 0."),
            .idTooShort: ReasonText(
                title: "O ID do token de login é curto demais",
                happened: "O ID único do token de login é mais curto do que este site exige.",
                advice: cannotHelpInPortuguese,
                fix: "Faça o provedor usar um \"jti\" mais longo, ou reduza token.minimumIDLength."),
            .replayed: ReasonText(
                title: "Este login já foi usado",
                happened: "Cada token de login vale uma única vez, e este já foi usado.",
                advice: "Tente novamente. A causa habitual é voltar no navegador ou recarregar a página.",
                fix:
                    "Se acontecer com muitas pessoas ao mesmo tempo: algo no caminho (um verificador de links, um proxy) abre a URL de retorno antes do navegador."
            ),
            .replayStoreUnavailable: ReasonText(
                title: "Não é possível entrar no momento",
                happened:
                    "Este site não conseguiu verificar se o token de login já tinha sido usado, por isso não aceita nenhum.",
                advice: "Tente novamente em um minuto.",
                fix: "O armazenamento compartilhado está inacessível; replay.onFailure decide o que acontece então."),
            .replayStoreFull: ReasonText(
                title: "Logins demais no momento",
                happened:
                    "Este site não tem espaço para lembrar que o token de login foi usado, por isso não aceita nenhum.",
                advice: "Tente novamente em alguns minutos.",
                fix:
                    "A memória de tokens usados está cheia (replay.maxEntries). Aumente-a, reduza o tempo de validade dos tokens (\"exp\", token.maxAge), ou defina replay.store como redis."
            ),
            .fieldMissing: ReasonText(
                title: "Faltam dados da conta",
                happened: "O provedor de identidade não enviou dados da conta que este site exige.",
                advice: "Peça ao seu administrador que complete sua conta, por exemplo o endereço de e-mail.",
                fix: "Cada campo de token.required deve vir de um dos seus claims em token.claims."),
            .fieldInvalid: ReasonText(
                title: "Há dados da conta inválidos",
                happened: "Os dados da sua conta contêm um valor que este site não pode aceitar.",
                advice: "Peça ao seu administrador que verifique sua conta, por exemplo o endereço de e-mail.",
                fix:
                    "Um endereço de e-mail tem exatamente um @; nenhum campo pode conter caracteres de controle. Um campo pode ter 512 valores de 1024 bytes (um endereço de e-mail: 320), e todos os campos juntos 10 KiB."
            ),
            .userNotRegistered: ReasonText(
                title: "Sua conta não está registrada aqui",
                happened: "Você está conectado, mas este site não conhece sua conta.",
                advice: "Use outra conta, ou peça ao seu administrador que registre esta.",
                fix: "Acrescente o endereço a access.users (emails, emailsFile, emailDomains ou groups)."),
            .siteNotGranted: ReasonText(
                title: "Sua conta não tem acesso a este site",
                happened: "Você está conectado, mas este site não está liberado para sua conta.",
                advice: accessInPortuguese, fix: "Os sites do token devem conter access.site."),
            .guestRefused: ReasonText(
                title: "Convidados não têm acesso",
                happened:
                    "Sua conta não está registrada aqui, e seu login não permite o acesso como convidado.",
                advice: "Use outra conta, ou peça ao seu administrador que registre esta.",
                fix:
                    "O \"guest\" do token é false e access.users não contém a conta; registre-a, ou faça o provedor enviar guest como true."
            ),
            .groupMissing: ReasonText(
                title: "Esta página é para outro grupo",
                happened: "Você está conectado, mas sua conta não está em um grupo que possa ver esta página.",
                advice: "Use outra conta, ou peça ao seu administrador que inclua você no grupo.",
                fix:
                    "A configuração access.users.groups ou uma regra de access.rules exige um grupo; veja quais o token traz com `sidegate explain`."
            ),
            .ruleDenied: ReasonText(
                title: "Você não pode ver esta página",
                happened: "As regras deste site não permitem esta página para sua conta.", advice: accessInPortuguese,
                fix: "Uma regra de access.rules nega o caminho, ou exige um campo que a conta não tem."),
            .providerNotAllowed: ReasonText(
                title: "Aqui é necessário outro login",
                happened: "Esta página não é para contas do provedor de identidade com que você entrou.",
                advice: "Entre de outra forma, ou peça acesso ao seu administrador.",
                fix:
                    "Uma regra de access.rules indica outros provedores, ou hosts de identityProviders não oferece este neste host."
            ),
            .identityHeadTooLarge: ReasonText(
                title: "Sua conta tem dados demais",
                happened: "O que este site informaria ao aplicativo sobre sua conta é mais do que ele aceita.",
                advice: "Peça ao seu administrador que reduza o número de grupos da sua conta.",
                fix:
                    "Os cabeçalhos de identidade são maiores que upstream.headerBytes. Envie menos grupos a partir do provedor, retire cabeçalhos de identityHeaders, ou aumente o limite se o aplicativo aceitar mais."
            ),
            .seatLimitReached: ReasonText(
                title: "Não há vaga livre",
                happened:
                    "Todas as vagas deste aplicativo estão ocupadas, por isso nenhuma conta pode ser acrescentada.",
                advice: "Peça ao seu administrador que libere ou acrescente uma vaga, e tente novamente.",
                fix: "O aplicativo respondeu à solicitação de provisioning.url com 402, 403 ou 409."),
            .provisioningFailed: ReasonText(
                title: "Não foi possível preparar sua conta",
                happened: "O aplicativo não confirmou sua conta, por isso a sessão não foi iniciada.",
                advice: "Tente novamente em um minuto.",
                fix: "provisioning.url não retornou sucesso; a resposta está no log."),
            .loginStateMissing: ReasonText(
                title: "Este login não começou aqui",
                happened: "Seu navegador não começou aqui este login, ou perdeu o cookie criado no começo.",
                advice: "Comece de novo pela página que queria ver, e permita os cookies deste site.",
                fix:
                    "identityProvider.initiated diz o que acontece com logins que começam no provedor. Senão, procure outro nome de host, http em vez de https, ou cookies bloqueados."
            ),
            .loginStateExpired: ReasonText(
                title: "O login demorou demais",
                happened: "Passaram-se mais de dez minutos entre o começo e o fim do login.",
                advice: "Tente novamente.",
                fix:
                    "Nada a fazer, a menos que aconteça logo em seguida: nesse caso as réplicas têm segredos de sessão diferentes, ou o relógio dá saltos."
            ),
            .returnURLRefused: ReasonText(
                title: "Esse endereço não é deste site",
                happened: "O endereço de retorno solicitado está fora deste site.", advice: startInPortuguese,
                fix: "return_to deve ser um caminho deste site, ou uma URL no host dele ou sob session.domain."),
            .returnPathMismatch: ReasonText(
                title: "O login chegou ao endereço errado",
                happened:
                    "O provedor de identidade devolveu você para um endereço deste site onde não se aceitam logins.",
                advice: cannotHelpInPortuguese,
                fix:
                    "Configure no provedor o endereço de retorno (URL de redirecionamento, URL de SSO, URL de ACS) com identityProvider.returnPath deste site, ou essa configuração com o do provedor. Os dois devem ser iguais, até a última barra."
            ),
            .providerError: ReasonText(
                title: "O provedor de identidade não concluiu seu login",
                happened: "O provedor de identidade devolveu você com um erro em vez de um login.",
                advice: "Tente novamente. Se você cancelou o login, está tudo bem.",
                fix:
                    "O log contém o código de erro do provedor. Ou a pessoa recusou ou não pode usar este cliente, ou as configurações do cliente no provedor não combinam: compare os scopes, o tipo de resposta e a URI de redirecionamento."
            ),
            .providerUnavailable: ReasonText(
                title: "Não é possível entrar no momento",
                happened: "Este site não consegue contatar o provedor de identidade no momento.",
                advice: "Espere um minuto e tente novamente. Quem já está conectado não é afetado.",
                fix:
                    "O documento de descoberta do provedor ou um dos seus endpoints não pode ser obtido daqui. O log diz por quê; `sidegate doctor` os testa."
            ),
            .codeExchangeFailed: ReasonText(
                title: "O login não pôde ser concluído",
                happened: "O provedor de identidade não aceitou o código com que devolveu você.",
                advice: againInPortuguese,
                fix:
                    "O log contém o código de erro do provedor. invalid_client: compare identityProvider.clientID, o segredo e clientAuthentication; invalid_grant: o código já foi usado, é antigo demais ou foi emitido para outra URI de redirecionamento."
            ),
            .nonceMismatch: ReasonText(
                title: "O login pertence a outra tentativa",
                happened: "O provedor de identidade respondeu com um login emitido para outra tentativa.",
                advice: startInPortuguese,
                fix:
                    "O token de ID deve conter o nonce da solicitação, sem alterações. Se acontecer mais de uma vez, talvez alguém esteja reutilizando logins de outras pessoas."
            ),
            .sessionExpired: ReasonText(
                title: "Sua sessão terminou", happened: "Sua sessão atingiu a duração máxima deste site.",
                advice: "Entre novamente.", fix: "session.lifetime define quanto ela dura."),
            .sessionIdle: ReasonText(
                title: "Sua sessão terminou", happened: "Sua sessão foi encerrada após um período de inatividade.",
                advice: "Entre novamente.", fix: "session.idleTimeout define quanto ela dura."),
            .sessionRevoked: ReasonText(
                title: "Sua sessão foi encerrada",
                happened: "Sua sessão foi encerrada em outro lugar ou por um administrador.",
                advice: "Entre novamente.",
                fix: "O provedor enviou um logout back-channel, ou a sessão foi removida do armazenamento."),
            .sessionInvalid: ReasonText(
                title: "Sua sessão não é válida aqui",
                happened: "Não foi possível abrir o cookie de sessão do seu navegador.",
                advice: "Entre novamente.",
                fix:
                    "O segredo de sessão mudou sem que o antigo fosse mantido em session.secrets, as réplicas têm segredos diferentes, ou o cookie foi adulterado."
            ),
            .identityHeaderSpoofed: ReasonText(
                title: "Esta solicitação foi bloqueada",
                happened: "A solicitação tinha um cabeçalho que um aplicativo poderia confundir com sua identidade.",
                advice:
                    "Navegadores não enviam um cabeçalho assim. Se uma extensão ou um script o acrescenta, desative-o.",
                fix:
                    "Com a solicitação de autorização de um proxy veio um cabeçalho cujo nome é outra grafia de um cabeçalho de identidade, como X_Forwarded_User. Faça o proxy descartar esses nomes, e procure o cliente no log dele."
            ),
            .pathUnreadable: ReasonText(
                title: "Não é possível ler o endereço",
                happened: "O endereço desta página é ambíguo, por isso a solicitação não foi encaminhada.",
                advice:
                    "Verifique o endereço, ou comece pela página inicial. Se um link trouxe você até aqui, avise seu administrador.",
                fix:
                    "O caminho tem um segmento “.” ou “..”, começa com duas barras, talvez codificadas, ou contém uma codificação que os servidores leem de formas diferentes. O cliente deve enviar o caminho já resolvido; `sidegate explain --request PATH` diz o que está errado."
            ),
            .crossSiteRequest: ReasonText(
                title: "Esta solicitação foi bloqueada",
                happened:
                    "Uma página de outro site pode ter feito esta solicitação com a sua sessão, por isso ela não foi encaminhada.",
                advice: "Abra a página neste site e tente novamente a partir dali.",
                fix:
                    "Com session.partitioned, uma solicitação que altera algo, ou um WebSocket, deve vir de uma página deste site, conforme Sec-Fetch-Site ou Origin. Os proxies à frente devem repassar os dois campos; programas de outros sites precisam de um token Bearer."
            ),
        ])

    private static let againInPortuguese =
        "Tente novamente. Se continuar falhando, informe o código abaixo ao seu administrador."
    private static let cannotHelpInPortuguese =
        "É improvável que tentar novamente ajude. Informe o código abaixo ao seu administrador."
    private static let startInPortuguese = "Comece de novo pela página que queria ver."
    private static let accessInPortuguese = "Use outra conta, ou peça acesso ao seu administrador."
}
