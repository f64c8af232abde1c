// SPDX-License-Identifier: Apache-2.0

import Decisions

extension Catalogue {
    static let spanish = Catalogue(
        phrases: [
            .continueLabel: "Continuar", .codeLabel: "Código", .statusLabel: "Estado",
            .requestIDLabel: "ID de la solicitud", .timeLabel: "Hora", .signedInAsLabel: "Sesión iniciada como",
            .accountLabel: "Cuenta", .switchAccountLabel: "Usar otra cuenta", .tryAgainLabel: "Reintentar",
            .fixLabel: "Para el administrador",

            .redirectingTitle: "Un momento",
            .redirecting: "Le estamos redirigiendo. Si no ocurre nada, utilice el enlace.",
            .chooseTitle: "Iniciar sesión",
            .choose: "Elija cómo desea iniciar sesión.",
            .signedOutTitle: "Ha cerrado la sesión",
            .signedOut: "Su sesión aquí ha terminado. Puede cerrar esta página.",
            .signedOutAdvice: "En un dispositivo compartido, cierre también la sesión en su proveedor de identidad.",
            .signInAgainLabel: "Volver a iniciar sesión",
            .confirmSignInTitle: "¿Es usted?",
            .confirmSignIn:
                "Se ha comenzado un inicio de sesión con esta cuenta en otro lugar, no desde esta página.",
            .confirmSignInAdvice: "Continúe solo si lo ha comenzado usted y la cuenta es suya.",
            .confirmSignInLabel: "Sí, iniciar sesión",
            .cancelSignInLabel: "No, no soy yo",
            .returnedElsewhereTitle: "El inicio de sesión ha llegado a otra dirección",
            .confirmSignOutTitle: "¿Cerrar la sesión?",
            .confirmSignOut: "Su sesión aquí terminará. Es posible que se pierda el trabajo no guardado.",
            .confirmSignOutLabel: "Cerrar sesión",
            .cancelSignOutLabel: "Mantener la sesión",
            .loginLoopTitle: "El inicio de sesión se repite",
            .loginLoop:
                "Ha iniciado sesión varias veces en pocos segundos, pero la sesión se ha perdido cada vez. Las causas probables son:",
            .loopByCookies:
                "Su navegador bloquea las cookies de este sitio. Permítalas, también en las ventanas privadas.",
            .loopByScheme:
                "La dirección empieza por http://, pero el sitio espera https://, por lo que el navegador descarta su cookie segura.",
            .loopByHost:
                "Se accede al sitio con más de un nombre de host, y la cookie pertenece a otro de ellos.",
            .loopByClock: "El reloj de este dispositivo o del servidor no es correcto.",
            .loopBySecrets: "Los servidores de este sitio utilizan secretos de sesión diferentes.",
            .upstreamDownAdvice: "Inténtelo de nuevo dentro de un momento.",

            .sessionEndedTitle: "Su sesión ha terminado",
            .notSignedInTitle: "No ha iniciado sesión",
            .formKept:
                "Lo que ha escrito aún no se ha enviado, pero se conserva en esta página. Inicie sesión en otra pestaña, vuelva aquí y envíelo.",
            .formKeptAdvice: "Mantenga esta página abierta hasta entonces.",
            .signedInBeforeLabel: "Sesión iniciada hasta ahora como",
            .signInLabel: "Iniciar sesión",
            .sendFormLabel: "Enviar",
            .formOfOtherTitle: "¿Enviarlo con otra cuenta?",
            .formOfOther:
                "Este formulario se rellenó con una cuenta y usted ha iniciado sesión con otra. Aún no se ha enviado.",
            .filledInLabel: "Rellenado con",
            .signedInNowLabel: "Sesión iniciada ahora como",
            .sendFormAsLabel: "Enviar como {account}",
            .formLost: "Lo que ha escrito no se ha enviado.",
            .formLostAdvice:
                "Inicie sesión en otra pestaña y vuelva atrás en esta: la mayoría de los navegadores aún muestran allí lo que ha escrito.",
            .formLostOff: "Este sitio no conserva formularios.",
            .formLostOtherSite: "No se ha podido conservar, porque no procedía de una página de este sitio.",
            .formLostType: "No se ha podido conservar, porque no es un formulario corriente.",
            .formLostFiles: "No se ha podido conservar, porque contiene archivos.",
            .formLostSize: "No se ha podido conservar, porque es demasiado grande.",
            .formLostCount: "No se ha podido conservar, porque tiene demasiados campos.",
            .formLostRoom: "No se ha podido conservar, porque el servidor está ocupado.",
            .formLostUnsendable:
                "No se ha podido conservar, porque su navegador no podría volver a enviarlo sin cambios.",
            .formLostAddress: "No se ha podido conservar, porque la dirección del formulario es demasiado larga.",
            .signedInTitle: "Ha iniciado sesión",
            .signedInForForm: "Vuelva a la otra pestaña y envíe su formulario. Puede cerrar esta.",
            .notSignedInForForm: "Inicie sesión, vuelva a la otra pestaña y envíe su formulario.",
            .frameTitle: "Inicie sesión",
            .frame: "Esta parte de la página requiere iniciar sesión, lo que solo es posible en la ventana completa.",
            .frameAdvice: "Si el botón no hace nada, abra este sitio en una pestaña aparte.",
            .leaving: "Le llevamos a la página de inicio de sesión. Si no ocurre nada, use el botón.",
            .arriving: "Le llevamos a su página. Si no ocurre nada, use el botón.",
            .linkTooLong:
                "La dirección de la página que quería ver es demasiado larga para recordarla durante el inicio de sesión.",
            .linkTooLongAdvice:
                "Abra de nuevo el enlace: ahora lleva a la página. O continúe a la página principal.",

            .otherRefusalTitle: "La solicitud ha sido rechazada",
            .otherRefusal: "No se ha podido procesar la solicitud.",
            .otherFailureTitle: "Algo ha salido mal",
            .otherFailure: "No se ha podido procesar la solicitud. Inténtelo de nuevo.",
            .otherReasonTitle: "No se ha podido iniciar sesión",
            .otherReason: "El inicio de sesión no ha podido completarse.",
            .otherReasonAdvice:
                "Inténtelo de nuevo. Si sigue fallando, comunique el código y el ID de la solicitud a su administrador.",
            .otherReasonFix: "Busque el ID de la solicitud en el registro.",

            .returnPathMismatch:
                "Le ha enviado a {path}; los inicios de sesión se aceptan en {expected}.",
            .or: "o",
            .tokenInPath:
                "Ha añadido su token con & a {path}, que no tiene consulta, así que el token ha pasado a formar parte de la ruta; los inicios de sesión se aceptan en {expected}.",
            .tokenInPathFix:
                "Haga que el proveedor añada el token con ? cuando la dirección de retorno no tiene consulta. Si no puede, introduzca allí la dirección de retorno con un signo de interrogación al final.",
            .wrongUnitTitle: "El token de inicio de sesión cuenta el tiempo en {unit}",
            .wrongUnit:
                "La hora «{claim}» del token de inicio de sesión está en {unit}, pero los tokens cuentan segundos, así que queda muy lejos en el futuro.",
            .wrongUnitAdvice:
                "Volver a intentarlo no servirá de nada. Comunique a su administrador el código de abajo.",
            .wrongUnitFix: "El proveedor debe enviar segundos enteros desde 1970.",
            .wrongUnitFixByScript:
                "El proveedor debe dividir sus horas entre 1000; en JavaScript, Math.floor(Date.now() / 1000).",
            .milliseconds: "milisegundos", .microseconds: "microsegundos", .nanoseconds: "nanosegundos",
            .fieldMissing: "Falta el campo {field}.",
            .fieldMissingInClaims: "Falta el campo {field} (claims: {claims}).",
            .emailUnverified:
                "El claim email no cuenta, porque email_verified no es true (token.acceptUnverifiedEmail).",
            .fieldNotText: "El campo {field} no es ni un texto ni una lista de textos.",
            .fieldValueCount: "El campo {field} tiene {count} valores; se aceptan {limit} como máximo.",
            .fieldSingleValue: "El campo {field} tiene {count} valores; se acepta uno.",
            .fieldValueLength: "El campo {field} tiene un valor de {count} bytes; se aceptan {limit} como máximo.",
            .fieldControlCharacter: "El campo {field} contiene un carácter de control.",
            .fieldBlankEnd: "El campo {field} tiene espacios al principio o al final.",
            .fieldWithoutSingleAt: "El campo {field} no tiene exactamente una @.",
            .fieldNotPlainEmail: "El campo {field} no es una única dirección de correo electrónico simple.",
            .fieldTotal: "Con el campo {field}, todos los campos suman {count} bytes; se aceptan {limit} como máximo.",
            .sessionTooLarge:
                "La sesión no cabe en las {limit} cookies que puede tener; su campo más grande es {field}, con {count} bytes.",
            .fieldAdvice: "Volver a intentarlo no servirá de nada. Pida a su administrador que corrija su cuenta.",
            .returnedElsewhere:
                "El proveedor de identidad le ha devuelto a {actual}, pero la dirección de este sitio es {expected}; la cookie que se creó al iniciar sesión solo existe en esa dirección.",
            .providerErrorCode: "Su código de error es {code}.",
            .providerSentNothing: "No ha enviado ni un código ni un error.",
            .otherResponseMode: "Ha enviado su respuesta {actual}; este sitio la acepta {expected}.",
            .responseInURL: "en la URL",
            .responseInForm: "en un formulario",
            .openIDStateFix:
                "Con OpenID Connect el inicio de sesión comienza en la aplicación: haga que los enlaces de los portales lleven a publicURL. Si no es eso, busque otro nombre de host, http en lugar de https, o cookies bloqueadas.",
            .openIDResponseFix:
                "Permita al cliente el flujo authorization code en el proveedor. La respuesta debe llegar como dice identityProvider.responseMode.",
            .openIDTokenFix:
                "La respuesta no debe tener ningún parámetro repetido, y el token de ID debe estar firmado y sin cifrar, con sub, iat y exp, como exige OpenID Connect Core 1.0.",
            .openIDKeyFix:
                "La clave que firmó el token de ID debe estar en el conjunto de claves jwks_uri del proveedor. El registro indica las descargas fallidas; `sidegate doctor` prueba una.",
            .openIDIssuerFix:
                "identityProvider.issuer debe ser exactamente igual al \"iss\" de la respuesta y del token de ID, hasta la última barra.",
            .openIDAudienceFix:
                "identityProvider.clientID debe ser el cliente al que va destinado el token de ID (\"aud\", \"azp\").",
        ],
        statuses: [
            400: StatusWords(
                title: "No se puede leer la solicitud",
                message: "Su navegador, o un intermediario, ha enviado una solicitud mal formada."),
            401: StatusWords(
                title: "Inicie sesión", message: "Esta página solo se muestra a quienes han iniciado sesión."),
            403: StatusWords(title: "No permitido", message: "No puede ver esta página."),
            404: StatusWords(title: "Página no encontrada", message: "No hay ninguna página en esta dirección."),
            405: StatusWords(title: "Método no permitido", message: "Esta dirección no acepta este tipo de solicitud."),
            408: StatusWords(
                title: "La solicitud ha tardado demasiado",
                message: "Su navegador no ha terminado la solicitud a tiempo. Inténtelo de nuevo."),
            411: StatusWords(
                title: "La solicitud no indica su longitud", message: "Esta dirección exige la longitud del contenido."),
            413: StatusWords(
                title: "El contenido es demasiado grande", message: "El contenido es mayor de lo que acepta este sitio."
            ),
            414: StatusWords(
                title: "La dirección es demasiado larga",
                message: "La dirección de esta página es más larga de lo que acepta este sitio."),
            417: StatusWords(
                title: "No se puede cumplir la expectativa",
                message: "Su navegador espera algo que este sitio no admite."),
            421: StatusWords(title: "Servidor equivocado", message: "Este servidor no sirve el sitio solicitado."),
            429: StatusWords(
                title: "Demasiadas solicitudes",
                message: "Ha enviado demasiadas solicitudes. Inténtelo de nuevo dentro de un momento."),
            431: StatusWords(
                title: "La solicitud es demasiado grande",
                message:
                    "Su navegador ha enviado más campos o cookies de los que acepta este sitio. Puede ayudar eliminar las cookies de este sitio."
            ),
            500: StatusWords(
                title: "Algo ha salido mal",
                message: "La solicitud ha fallado por un error de este sitio. Inténtelo de nuevo."),
            501: StatusWords(title: "No admitido", message: "Este sitio no admite este tipo de solicitud."),
            502: StatusWords(
                title: "La aplicación no responde",
                message: "Ha llegado a este sitio, pero la aplicación que hay detrás no ha dado una respuesta válida."),
            503: StatusWords(
                title: "No disponible en este momento",
                message:
                    "Este sitio se está iniciando, se está deteniendo o está saturado. Inténtelo de nuevo dentro de un momento."
            ),
            504: StatusWords(
                title: "La aplicación tarda demasiado",
                message: "Ha llegado a este sitio, pero la aplicación que hay detrás no ha respondido a tiempo."),
            505: StatusWords(
                title: "Versión de HTTP no admitida",
                message: "Su navegador ha utilizado una versión de HTTP que este sitio no admite."),
        ],
        reasons: [
            .tokenMissing: ReasonText(
                title: "No se ha recibido ningún token de inicio de sesión",
                happened: "El proveedor de identidad le ha devuelto sin un token de inicio de sesión.",
                advice: startInSpanish,
                fix:
                    "Compare identityProvider.tokenParameter con el parámetro que usa el proveedor, y compruebe que nada en el camino (una redirección, una caché) recorte la consulta."
            ),
            .tokenTooLarge: ReasonText(
                title: "El token de inicio de sesión es demasiado grande",
                happened: "El proveedor de identidad ha enviado un token de inicio de sesión de más de 16 KiB.",
                advice: cannotHelpInSpanish,
                fix: "El proveedor debe poner menos datos en el token; la causa habitual son largas listas de grupos."),
            .tokenMalformed: ReasonText(
                title: "El token de inicio de sesión está dañado",
                happened:
                    "El proveedor de identidad ha enviado un token de inicio de sesión mal formado, o más de uno.",
                advice: againInSpanish,
                fix:
                    "El token debe ser un JWS compacto: tres partes en base64url sin relleno, separadas por puntos, dado una sola vez. `sidegate explain` muestra dónde falla; a menudo el proveedor añade relleno o codifica la URL dos veces."
            ),
            .headerMalformed: ReasonText(
                title: "El token de inicio de sesión está dañado",
                happened: "No se puede leer la primera parte del token de inicio de sesión, su cabecera.",
                advice: againInSpanish,
                fix:
                    "La cabecera debe ser un objeto JSON en UTF-8 con \"alg\" y sin nombres duplicados. Para proveedores que escriben los nombres de otra forma, configure token.headerAliases."
            ),
            .claimsMalformed: ReasonText(
                title: "El token de inicio de sesión está dañado",
                happened: "No se puede leer la segunda parte del token de inicio de sesión, los datos sobre usted.",
                advice: againInSpanish,
                fix:
                    "Los claims deben ser un objeto JSON en UTF-8 sin nombres duplicados, y las horas deben ser números, no texto. Un token de cierre de sesión no sirve para iniciar sesión."
            ),
            .algorithmNotAllowed: ReasonText(
                title: "El token de inicio de sesión está firmado de una forma inesperada",
                happened: "El token de inicio de sesión usa un algoritmo de firma que este sitio no acepta.",
                advice: cannotHelpInSpanish,
                fix:
                    "Haga que el proveedor firme con uno de token.algorithms, o añada allí su algoritmo si quiere aceptarlo."
            ),
            .algorithmMissing: ReasonText(
                title: "El token de inicio de sesión no dice cómo está firmado",
                happened: "El token de inicio de sesión no indica ningún algoritmo de firma.",
                advice: cannotHelpInSpanish,
                fix:
                    "La cabecera del token debe contener \"alg\". Para proveedores que lo escriben de otra forma, configure token.headerAliases."
            ),
            .criticalHeaderUnsupported: ReasonText(
                title: "El token de inicio de sesión exige una extensión desconocida",
                happened: "El token de inicio de sesión exige una extensión («crit») que este sitio no admite.",
                advice: cannotHelpInSpanish,
                fix: "Desactive la extensión en el proveedor; no se admite ninguna cabecera crítica."),
            .keyNotFound: ReasonText(
                title: "No se puede comprobar el token de inicio de sesión",
                happened:
                    "Este sitio no tiene ninguna clave que corresponda a aquella con la que se firmó el token de inicio de sesión.",
                advice: againInSpanish,
                fix:
                    "Compare los \"kid\" y \"alg\" del token con token.keys. Si el proveedor ha cambiado sus claves, actualice el archivo o el conjunto de claves."
            ),
            .signatureInvalid: ReasonText(
                title: "El token de inicio de sesión no es auténtico",
                happened: "La firma del token de inicio de sesión no coincide.", advice: againInSpanish,
                fix:
                    "Ambos lados deben tener el mismo secreto (o el par de claves correspondiente). Revise token.keys: secretEncoding, un espacio o salto de línea de más, y el entorno correcto (pruebas o producción)."
            ),
            .expired: ReasonText(
                title: "Este inicio de sesión ha caducado",
                happened: "El token de inicio de sesión solo era válido durante poco tiempo y ha caducado.",
                advice:
                    "Inténtelo de nuevo. La causa habitual es una página abierta durante mucho tiempo o un enlace antiguo.",
                fix:
                    "Si ocurre enseguida, compare los relojes de esta máquina y del proveedor; token.clockSkew tolera pequeñas diferencias."
            ),
            .notYetValid: ReasonText(
                title: "Este inicio de sesión aún no es válido",
                happened: "El token de inicio de sesión aún no es válido.",
                advice: "Espere un minuto e inténtelo de nuevo.",
                fix:
                    "El reloj de esta máquina va por detrás del reloj del proveedor (\"nbf\"). Sincronice ambos, o aumente token.clockSkew."
            ),
            .issuedInFuture: ReasonText(
                title: "La fecha de este inicio de sesión está en el futuro",
                happened: "Según el reloj de este sitio, el token de inicio de sesión se emitió en el futuro.",
                advice: "Espere un minuto e inténtelo de nuevo.",
                fix:
                    "El reloj de esta máquina va por detrás del reloj del proveedor (\"iat\"). Sincronice ambos, o aumente token.clockSkew."
            ),
            .tooOld: ReasonText(
                title: "Este inicio de sesión es demasiado antiguo",
                happened: "El token de inicio de sesión se emitió hace más tiempo del que acepta este sitio.",
                advice: "Inténtelo de nuevo, empezando por la página que quería ver.",
                fix:
                    "token.maxAge cuenta desde \"iat\". Compare los relojes, o aumente el valor si el proveedor tarda en redirigir."
            ),
            .expiryMissing: ReasonText(
                title: "El token de inicio de sesión no tiene hora de caducidad",
                happened: "El token de inicio de sesión no dice cuándo caduca, y este sitio lo exige.",
                advice: cannotHelpInSpanish,
                fix:
                    "Haga que el proveedor añada \"exp\", o ponga token.requireExpiry en false y utilice token.maxAge."
            ),
            .issuedAtMissing: ReasonText(
                title: "El token de inicio de sesión no tiene hora de emisión",
                happened: "El token de inicio de sesión no dice cuándo se emitió.", advice: cannotHelpInSpanish,
                fix:
                    "Sin \"exp\" el token necesita \"iat\". Para proveedores que lo escriben de otra forma, configure token.claimAliases."
            ),
            .issuerMismatch: ReasonText(
                title: "El inicio de sesión viene de otro proveedor",
                happened:
                    "El token de inicio de sesión lo ha emitido un proveedor de identidad distinto de aquel en el que confía este sitio.",
                advice: cannotHelpInSpanish,
                fix: "token.issuer debe ser exactamente igual al \"iss\" del token, hasta la última barra."),
            .audienceMismatch: ReasonText(
                title: "El inicio de sesión es para otro sitio",
                happened: "El token de inicio de sesión se emitió para otra aplicación.", advice: startInSpanish,
                fix:
                    "Incluya el \"aud\" del token en token.audience. Un token que indica una audiencia se rechaza mientras esa lista esté vacía."
            ),
            .idMissing: ReasonText(
                title: "El token de inicio de sesión no tiene ID",
                happened: "Al token de inicio de sesión le falta el ID único que exige este sitio.",
                advice: cannotHelpInSpanish,
                fix: "Haga que el proveedor añada \"jti\", o ponga token.minimumIDLength en 0."),
            .idTooShort: ReasonText(
                title: "El ID del token de inicio de sesión es demasiado corto",
                happened: "El ID único del token de inicio de sesión es más corto de lo que exige este sitio.",
                advice: cannotHelpInSpanish,
                fix: "Haga que el proveedor use un \"jti\" más largo, o reduzca token.minimumIDLength."),
            .replayed: ReasonText(
                title: "Este inicio de sesión ya se ha utilizado",
                happened: "Cada token de inicio de sesión vale una sola vez, y este ya se ha utilizado.",
                advice: "Inténtelo de nuevo. La causa habitual es volver atrás en el navegador o recargar la página.",
                fix:
                    "Si afecta a muchos usuarios a la vez: algo en el camino (un analizador de enlaces, un proxy) abre la URL de retorno antes que el navegador."
            ),
            .replayStoreUnavailable: ReasonText(
                title: "No es posible iniciar sesión en este momento",
                happened:
                    "Este sitio no ha podido comprobar si el token de inicio de sesión ya se había utilizado, así que no acepta ninguno.",
                advice: "Inténtelo de nuevo en un minuto.",
                fix: "El almacén compartido no está accesible; replay.onFailure decide lo que ocurre entonces."),
            .replayStoreFull: ReasonText(
                title: "Demasiados inicios de sesión en este momento",
                happened:
                    "Este sitio no tiene espacio para recordar que el token de inicio de sesión se ha utilizado, así que no acepta ninguno.",
                advice: "Inténtelo de nuevo en unos minutos.",
                fix:
                    "La memoria de tokens utilizados está llena (replay.maxEntries). Auméntela, reduzca el tiempo de validez de los tokens (\"exp\", token.maxAge), o ponga replay.store en redis."
            ),
            .fieldMissing: ReasonText(
                title: "Faltan datos de la cuenta",
                happened: "El proveedor de identidad no ha enviado datos de la cuenta que este sitio exige.",
                advice:
                    "Pida a su administrador que complete su cuenta, por ejemplo su dirección de correo electrónico.",
                fix: "Cada campo de token.required debe proceder de uno de sus claims en token.claims."),
            .fieldInvalid: ReasonText(
                title: "Hay datos de la cuenta no válidos",
                happened: "Los datos de su cuenta contienen un valor que este sitio no puede aceptar.",
                advice: "Pida a su administrador que revise su cuenta, por ejemplo su dirección de correo electrónico.",
                fix:
                    "Una dirección de correo electrónico tiene exactamente una @; ningún campo puede contener caracteres de control. Un campo puede tener 512 valores de 1024 bytes (una dirección de correo: 320), y todos los campos juntos 10 KiB."
            ),
            .userNotRegistered: ReasonText(
                title: "Su cuenta no está registrada aquí",
                happened: "Ha iniciado sesión, pero este sitio no conoce su cuenta.",
                advice: "Use otra cuenta, o pida a su administrador que registre esta.",
                fix: "Añada la dirección a access.users (emails, emailsFile, emailDomains o groups)."),
            .siteNotGranted: ReasonText(
                title: "Su cuenta no tiene acceso a este sitio",
                happened: "Ha iniciado sesión, pero su cuenta no tiene permiso para este sitio.",
                advice: accessInSpanish,
                fix: "Los sitios (sites) del token deben contener access.site."),
            .guestRefused: ReasonText(
                title: "Los invitados no tienen acceso",
                happened:
                    "Su cuenta no está registrada aquí, y su inicio de sesión no permite el acceso como invitado.",
                advice: "Use otra cuenta, o pida a su administrador que registre esta.",
                fix:
                    "El \"guest\" del token es false y access.users no contiene la cuenta; regístrela, o haga que el proveedor envíe guest como true."
            ),
            .groupMissing: ReasonText(
                title: "Esta página es para otro grupo",
                happened: "Ha iniciado sesión, pero su cuenta no está en ningún grupo que pueda ver esta página.",
                advice: "Use otra cuenta, o pida a su administrador que le añada al grupo.",
                fix:
                    "El ajuste access.users.groups o una regla de access.rules exige un grupo; vea cuáles lleva el token con `sidegate explain`."
            ),
            .ruleDenied: ReasonText(
                title: "No puede ver esta página",
                happened: "Las reglas de este sitio no permiten esta página para su cuenta.", advice: accessInSpanish,
                fix: "Una regla de access.rules deniega la ruta, o exige un campo que la cuenta no tiene."),
            .providerNotAllowed: ReasonText(
                title: "Aquí se necesita otro inicio de sesión",
                happened: "Esta página no es para cuentas del proveedor de identidad con el que ha iniciado sesión.",
                advice: "Inicie sesión de otra forma, o pida acceso a su administrador.",
                fix:
                    "Una regla de access.rules indica otros proveedores, o hosts de identityProviders no ofrece este en este host."
            ),
            .identityHeadTooLarge: ReasonText(
                title: "Su cuenta tiene demasiados datos",
                happened: "Lo que este sitio comunicaría a la aplicación sobre su cuenta es más de lo que ella acepta.",
                advice: "Pida a su administrador que reduzca el número de grupos de su cuenta.",
                fix:
                    "Las cabeceras de identidad superan upstream.headerBytes. Envíe menos grupos desde el proveedor, quite cabeceras de identityHeaders, o aumente el límite si la aplicación acepta más."
            ),
            .seatLimitReached: ReasonText(
                title: "No hay plazas libres",
                happened:
                    "Todas las plazas de esta aplicación están ocupadas, así que no se puede añadir ninguna cuenta.",
                advice: "Pida a su administrador que libere o añada una plaza, e inténtelo de nuevo.",
                fix: "La aplicación ha respondido a la solicitud de provisioning.url con 402, 403 o 409."),
            .provisioningFailed: ReasonText(
                title: "No se ha podido preparar su cuenta",
                happened: "La aplicación no ha confirmado su cuenta, así que no se ha iniciado la sesión.",
                advice: "Inténtelo de nuevo en un minuto.",
                fix: "provisioning.url no ha devuelto una respuesta correcta; su respuesta está en el registro."),
            .loginStateMissing: ReasonText(
                title: "Este inicio de sesión no comenzó aquí",
                happened:
                    "Su navegador no comenzó aquí este inicio de sesión, o ha perdido la cookie que se creó al comenzar.",
                advice: "Empiece de nuevo en la página que quería ver, y permita las cookies de este sitio.",
                fix:
                    "identityProvider.initiated dice qué ocurre con los inicios de sesión que comienzan en el proveedor. Si no es eso, busque otro nombre de host, http en lugar de https, o cookies bloqueadas."
            ),
            .loginStateExpired: ReasonText(
                title: "El inicio de sesión ha tardado demasiado",
                happened: "Han pasado más de diez minutos entre el comienzo y el final del inicio de sesión.",
                advice: "Inténtelo de nuevo.",
                fix:
                    "No hay que hacer nada, salvo que ocurra enseguida: entonces las réplicas tienen secretos de sesión distintos, o el reloj da saltos."
            ),
            .returnURLRefused: ReasonText(
                title: "Esa dirección no es de este sitio",
                happened: "La dirección de retorno solicitada está fuera de este sitio.", advice: startInSpanish,
                fix: "return_to debe ser una ruta de este sitio, o una URL de su host o bajo session.domain."),
            .returnPathMismatch: ReasonText(
                title: "El inicio de sesión ha llegado a una dirección equivocada",
                happened:
                    "El proveedor de identidad le ha devuelto a una dirección de este sitio en la que no se aceptan inicios de sesión.",
                advice: cannotHelpInSpanish,
                fix:
                    "Configure en el proveedor la dirección de retorno (URL de redirección, URL de SSO, URL de ACS) con identityProvider.returnPath de este sitio, o ese ajuste con la del proveedor. Deben ser iguales, hasta la última barra."
            ),
            .providerError: ReasonText(
                title: "El proveedor de identidad no ha iniciado su sesión",
                happened: "El proveedor de identidad le ha devuelto con un error en lugar de un inicio de sesión.",
                advice: "Inténtelo de nuevo. Si ha cancelado el inicio de sesión, no pasa nada.",
                fix:
                    "El registro contiene el código de error del proveedor. O bien el usuario lo ha rechazado o no puede usar este cliente, o bien los ajustes del cliente en el proveedor no encajan: compare los scopes, el tipo de respuesta y la URI de redirección."
            ),
            .providerUnavailable: ReasonText(
                title: "No es posible iniciar sesión en este momento",
                happened: "Este sitio no puede contactar con el proveedor de identidad en este momento.",
                advice: "Espere un minuto e inténtelo de nuevo. Quienes ya han iniciado sesión no se ven afectados.",
                fix:
                    "No se puede obtener desde aquí el documento de descubrimiento del proveedor o uno de sus puntos de acceso. El registro dice por qué; `sidegate doctor` los prueba."
            ),
            .codeExchangeFailed: ReasonText(
                title: "El inicio de sesión no ha podido completarse",
                happened: "El proveedor de identidad no ha aceptado el código con el que le ha devuelto.",
                advice: againInSpanish,
                fix:
                    "El registro contiene el código de error del proveedor. invalid_client: compare identityProvider.clientID, el secreto y clientAuthentication; invalid_grant: el código ya se utilizó, es demasiado antiguo o se emitió para otra URI de redirección."
            ),
            .nonceMismatch: ReasonText(
                title: "El inicio de sesión pertenece a otro intento",
                happened: "El proveedor de identidad ha respondido con un inicio de sesión emitido para otro intento.",
                advice: startInSpanish,
                fix:
                    "El token de ID debe contener el nonce de la solicitud, sin cambios. Si ocurre más de una vez, es posible que alguien esté reutilizando inicios de sesión ajenos."
            ),
            .sessionExpired: ReasonText(
                title: "Su sesión ha terminado", happened: "Su sesión ha alcanzado la duración máxima de este sitio.",
                advice: "Inicie sesión de nuevo.", fix: "session.lifetime fija cuánto dura."),
            .sessionIdle: ReasonText(
                title: "Su sesión ha terminado", happened: "Su sesión se ha cerrado tras un periodo de inactividad.",
                advice: "Inicie sesión de nuevo.", fix: "session.idleTimeout fija cuánto dura."),
            .sessionRevoked: ReasonText(
                title: "Su sesión se ha cerrado",
                happened: "Su sesión ha terminado por un cierre de sesión en otro lugar o por un administrador.",
                advice: "Inicie sesión de nuevo.",
                fix:
                    "El proveedor ha enviado un cierre de sesión back-channel, o la sesión se ha eliminado del almacén."
            ),
            .sessionInvalid: ReasonText(
                title: "Su sesión no es válida aquí",
                happened: "No se ha podido abrir la cookie de sesión de su navegador.",
                advice: "Inicie sesión de nuevo.",
                fix:
                    "El secreto de sesión ha cambiado sin conservar el anterior en session.secrets, las réplicas tienen secretos distintos, o la cookie ha sido manipulada."
            ),
            .identityHeaderSpoofed: ReasonText(
                title: "Esta solicitud se ha bloqueado",
                happened: "La solicitud tenía una cabecera que una aplicación podría confundir con su identidad.",
                advice:
                    "Los navegadores no envían una cabecera así. Si la añade una extensión o un script, desactívelos.",
                fix:
                    "Con la petición de autorización de un proxy ha llegado una cabecera cuyo nombre es otra grafía de una cabecera de identidad, como X_Forwarded_User. Haga que el proxy descarte esos nombres, y busque el cliente en su registro."
            ),
            .pathUnreadable: ReasonText(
                title: "No se puede leer la dirección",
                happened: "La dirección de esta página es ambigua, así que la solicitud no se ha reenviado.",
                advice:
                    "Revise la dirección, o empiece por la página principal. Si le ha traído aquí un enlace, avise a su administrador.",
                fix:
                    "La ruta tiene un segmento «.» o «..», empieza por dos barras, quizá codificadas, o contiene una codificación que los servidores leen de forma distinta. El cliente debe enviar la ruta ya resuelta; `sidegate explain --request PATH` dice qué está mal."
            ),
            .crossSiteRequest: ReasonText(
                title: "Esta solicitud se ha bloqueado",
                happened:
                    "Es posible que una página de otro sitio haya hecho esta solicitud con su sesión, así que no se ha reenviado.",
                advice: "Abra la página en este sitio e inténtelo de nuevo desde allí.",
                fix:
                    "Con session.partitioned, una solicitud que cambia algo, o un WebSocket, debe venir de una página de este sitio, según Sec-Fetch-Site u Origin. Los proxies anteriores deben transmitir ambos campos; los programas de otros sitios necesitan un token Bearer."
            ),
        ])

    private static let againInSpanish =
        "Inténtelo de nuevo. Si sigue fallando, comunique a su administrador el código de abajo."
    private static let cannotHelpInSpanish =
        "Es poco probable que sirva de algo volver a intentarlo. Comunique a su administrador el código de abajo."
    private static let startInSpanish = "Empiece de nuevo en la página que quería ver."
    private static let accessInSpanish = "Use otra cuenta, o pida acceso a su administrador."
}
