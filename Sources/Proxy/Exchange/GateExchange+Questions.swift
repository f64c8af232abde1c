// SPDX-License-Identifier: Apache-2.0

import Gate
import HTTP
import Reactor

/// Asks the services what the gate must know before it can decide. Each wait has a time limit, and nothing more is done
/// for a client that is gone.
extension GateExchange: StepDriver {
    package func resume(_ question: Question, with answer: Answer) -> Step {
        if service.isVerbose { note(question, answer) }
        let gate = service.gate
        return withAccess { gate.resume(&$0, question, with: answer) }
    }

    package func find(answerTo question: Question) {
        let services = service.services
        let limits = services.limits
        switch question {
        case .content(let limit):
            collect(limit: limit)
        case .collectForm(let limit):
            collectForm(limit: limit)
        case .keys(let providers, let isProven):
            guard let keys = services.keys else { return answer(refusal(503)) }
            ask(.keys, within: limits.keys, otherwise: true) { done in
                keys.refresh(providers, isProven: isProven) { done(true) }
            } then: { [self] (_: Bool) in
                answered(question, with: .keys)
            }
        case .exchangeCode(let pending):
            // Not from within this event, in which the client's connection stops reading.
            let number = number
            service.loop.afterEvent { [self] in
                if number == self.number, endsWithClient { downstream?.watchEnd() }
            }
            ask(.codeExchange, within: limits.codeExchange, otherwise: CodeExchangeResult.overdue) { done in
                guard let exchanger = services.codes else { return done(.noProvider) }
                exchanger.exchange(pending.exchange, done)
            } then: { [self] (result: CodeExchangeResult) in
                answered(question, with: .exchangeCode(result))
            }
        case .consumeToken(let pending):
            consume(pending.replayKeys, pending.retention, of: pending.response) { [self] in
                answered(question, with: .consumeToken($0))
            }
        case .consumeLogoutToken(let pending):
            consume(pending.replayKeys, pending.retention) { [self] in
                answered(question, with: .consumeLogoutToken($0))
            }
        case .checkToken(let token):
            if let use = service.replayStore.knownUse(of: token.replayKeys.names) {
                return answered(question, with: .checkToken(use))
            }
            ask(.replayStore, within: limits.replayStore, otherwise: .unavailable) { done in
                service.replayStore.use(of: token.replayKeys, until: token.expiresAt, done)
            } then: { [self] (use: TokenUse) in
                // What is known of a used token by now counts more than an answer that is late.
                let known = service.replayStore.knownUse(of: token.replayKeys.names)
                answered(question, with: .checkToken(known == .used ? .used : use))
            }
        case .endBearer(let token):
            guard let revocations = services.revocations else {
                service.gate.tokenSpent(token.replayKeys)
                return answered(question, with: .endBearer)
            }
            ask(.revocation, within: limits.revocation, otherwise: false) { done in
                revocations.tokenSpent(token.replayKeys) { done(true) }
            } then: { [self] (_: Bool) in
                answered(question, with: .endBearer)
            }
        case .provision(let pending):
            guard let provisioner = services.provisioner else {
                return answered(question, with: .provision(.failed))
            }
            ask(.provisioning, within: limits.provisioning, otherwise: .failed) { done in
                provisioner.provision(pending.call, done)
            } then: { [self] (outcome: ProvisioningOutcome) in
                if outcome == .notified { record.isProvisioned = true }
                answered(question, with: .provision(outcome.verdict))
            }
        case .fetchSession(let session):
            ask(.session, within: limits.session, otherwise: .unavailable) { done in
                guard let sessions = services.sessions else { return done(.unavailable) }
                sessions.fetch(session, done)
            } then: { [self] (answer: SessionAnswer) in
                answered(question, with: .fetchSession(answer, now: service.clock))
            }
        case .storeSession(let session):
            ask(.session, within: limits.session, otherwise: false) { done in
                guard let sessions = services.sessions else { return done(false) }
                sessions.keep(session, done)
            } then: { [self] (isStored: Bool) in
                answered(question, with: .storeSession(isStored))
            }
        case .revoke(let pending):
            revoke(pending.revocation) { [self] in answered(question, with: .revoke($0)) }
        }
    }

    private func consume(
        _ keys: ReplayKeys, _ retention: Retention, of response: AttemptResponse? = nil,
        _ proceed: @escaping (ReplayVerdict) -> Void
    ) {
        let (store, clock) = (service.replayStore, context.clock)
        ask(.replayStore, within: service.services.limits.replayStore, otherwise: .unavailable) { done in
            guard let response else { return store.consume(keys, for: retention, now: clock, done) }
            RepeatedReturns.ofThisProcess.verdict(
                on: response, consume: { store.consume(keys, for: retention, now: clock, $0) }, done)
        } then: { (verdict: ReplayVerdict) in
            proceed(verdict)
        }
    }

    private func revoke(_ revocation: Revocation, _ proceed: @escaping (Bool) -> Void) {
        record.isBackchannelLogout = !revocation.isOfOneSession
        if record.user == nil { record.user = revocation.user }
        guard let revocations = service.services.revocations else { return proceed(service.revoke(revocation)) }
        ask(.revocation, within: service.services.limits.revocation, otherwise: false) { done in
            revocations.revoke(revocation, done)
        } then: { (isRemembered: Bool) in
            proceed(isRemembered)
        }
    }
}
