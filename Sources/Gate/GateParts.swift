// SPDX-License-Identifier: Apache-2.0

import HTTP
import JWT

/// Makes the parts of a gate that several others use.
struct GateParts {
    let random: RandomPool
    let limits: SessionLimits
    let cookies: OwnCookies
    let appCookies: AppCookies
    let responses: Responses
    /// Of each provider, in their order.
    let tokens: [TokenCheck]
    let tokenParameter: TokenParameter
    let bearer: BearerTokens
    let providers: Providers
    let sessionSeal: SessionSeal
    let sightings: Sightings
    let revocations: SessionRevocations
    let sessions: Sessions
    let rules: AccessRules
    let authorization: Authorizer
    let assertions: AssertionSigner?
    let keptForms: KeptForms
    let attempts: LoginAttempts
    let strayReturns: StrayReturns
    private let loginSeal: Seal
    private let configuration: GateConfiguration

    init(_ configuration: GateConfiguration, _ random: RandomPool) {
        let session = configuration.session
        let limits = SessionLimits(lifetime: session.lifetime, idleTimeout: session.idleTimeout)
        let policy = AccessPolicy(configuration.access, configuration.providers.map { ($0.name, $0.users) })
        let epoch = PolicyEpoch(policy.isOpen ? 0 : 1)
        let rendering = HeaderRendering(rules: configuration.identityHeaders, encoding: configuration.headerEncoding)
        self.configuration = configuration
        self.random = random
        self.limits = limits
        cookies = OwnCookies(session)
        appCookies = AppCookies(configuration)
        responses = Responses(configuration)
        let keys = KeyEpoch()
        tokens = configuration.providers.enumerated().map { index, provider in
            let others = configuration.providers.indices.filter { $0 != index }
            return TokenCheck(
                provider, isFirst: index == 0,
                issuersOfOthers: others.map { configuration.providers[$0].tokenPolicy.issuer }, keys)
        }
        tokenParameter = TokenParameter(configuration, ProviderTokens(tokens))
        providers = Providers(
            configuration.providers, zip(configuration.providers, tokens).map { Self.login($0, $1) })
        let revocations = SessionRevocations(
            configuration.providers.map { ($0.name, $0.claims) }, providers.names, limits, epoch)
        self.revocations = revocations
        bearer = BearerTokens(
            configuration, tokens, keys, rendering, isEnded: { revocations.endsToken(of: $0) })
        sightings = Sightings(SessionNaming(secret: session.secrets.first ?? []), revocations)
        sessionSeal = SessionSeal(session, cookies, limits, random, sightings)
        sessions = Sessions(
            seal: sessionSeal, rendering: rendering, limits: limits, revocations: revocations,
            providers: providers.names, cookies: cookies)
        rules = AccessRules(configuration.access.rules)
        authorization = Authorizer(configuration.access.mode, rules, policy, epoch)
        assertions = configuration.assertion.map { AssertionSigner($0, limits) }
        keptForms = KeptForms(
            limit: session.keepForms, seal: Seal(.form, secrets: session.secrets, random: random), sessions: sessions,
            cookies: cookies, responses: responses)
        loginSeal = Seal(.login, secrets: session.secrets, random: random)
        attempts = LoginAttempts(
            seal: loginSeal, cookies: cookies, providers: providers.names,
            identities: ProviderIdentities(configuration.providers, providers.names))
        strayReturns = StrayReturns(
            ReturnPathCheck(configuration, responses),
            MisdirectedReturns(configuration, providers, attempts, responses), sessions)
    }

    func seal(_ purpose: Seal.Purpose) -> Seal {
        Seal(purpose, secrets: configuration.session.secrets, random: random)
    }

    var nativeLogin: NativeLogin? {
        configuration.nativeLogin.map { NativeLogin($0, seal: seal(.nativeLogin), cookies: cookies) }
    }

    var logout: Logout {
        Logout(
            configuration, providers: providers, sessions: sessions, revocations: revocations, cookies: cookies,
            appCookies: appCookies, responses: responses, random: random,
            target: LogoutTarget(seal: seal(.logoutTarget), cookies: cookies))
    }

    /// nil: no path of the app signs users out.
    var appLogout: AppLogout? {
        let paths = configuration.session.logoutPaths
        return paths.isEmpty ? nil : AppLogout(paths, logout)
    }

    var backchannelLogout: BackchannelLogout {
        BackchannelLogout(
            configuration, tokens: tokens, revocations: revocations, limits: limits, responses: responses)
    }

    var forwardAuth: ForwardAuth {
        ForwardAuth(configuration, rules: rules, assertions: assertions, responses: responses)
    }

    /// By the provider's protocol.
    private static func login(_ provider: ProviderConfiguration, _ tokens: TokenCheck) -> any LoginProtocol {
        switch provider.login {
        case .redirect(let configuration): JWTRedirectLogin(configuration, provider, tokens)
        case .openID(let configuration): OpenIDLogin(configuration, provider, tokens)
        }
    }

    /// The way to a provider and back.
    func signIn() -> (LoginRedirect, SignIn, Arrival) {
        let loops = RedirectLoops(configuration.session, cookies, loginSeal, responses)
        let confirmation = Confirmation(
            seal: seal(.signIn), attempts: attempts, loops: loops, responses: responses,
            keepsFragment: configuration.session.keepsFragment, random: random, providers: providers.names)
        let arrival = Arrival(attempts, responses, keepsFragment: configuration.session.keepsFragment)
        let start = SessionStart(
            seal: sessionSeal, limits: limits, cookies: cookies, appCookies: appCookies, loops: loops,
            attempts: attempts, arrival: arrival, responses: responses)
        let redirect = LoginRedirect(
            providers, attempts, responses, cookies, limits, random,
            keepsFragment: configuration.session.keepsFragment)
        let signIn = SignIn(
            configuration, providers: providers, attempts: attempts, loops: loops, confirmation: confirmation,
            start: start,
            sessions: sessions, bearer: bearer, authorization: authorization, responses: responses)
        return (redirect, signIn, arrival)
    }
}
