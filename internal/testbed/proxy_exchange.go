package testbed

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptrace"
	"sync"
)

// exchange is what the two ends of the reverse proxy know of one call.
type exchange struct {
	call    Call
	verdict Verdict
	leave   func()
}

type exchangeKey struct{}

// errWithheld is the fate of an answer that the client is not to see.
var errWithheld = errors.New("answer withheld")

func (p *Proxy) handler(engine http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !whole(r) {
			panic(http.ErrAbortHandler) // the client left in the middle of it
		}
		call, leave := p.enter(r)
		defer leave()
		verdict := p.decide(call)
		switch verdict {
		case Fail500:
			leave()
			answer500(w, call, "it was not passed on")
			return
		case Cut:
			panic(http.ErrAbortHandler)
		case CutEarly:
			p.passOn(engine, r, exchange{call, verdict, leave})
			panic(http.ErrAbortHandler)
		case Hang:
			_, _ = io.Copy(io.Discard, r.Body) // only behind it is a client's leaving seen
			<-r.Context().Done()
			panic(http.ErrAbortHandler)
		}
		// An image is loaded while progress is already reported: read and write at the same time.
		_ = http.NewResponseController(w).EnableFullDuplex()
		engine.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), exchangeKey{}, exchange{call, verdict, leave})))
	})
}

// whole waits for the rest of a call whose length is known, so that whoever kills the client at it kills none that was
// still writing it. It reports whether it came.
func whole(r *http.Request) bool {
	if r.ContentLength <= 0 {
		return true
	}
	body, err := io.ReadAll(r.Body)
	r.Body = io.NopCloser(bytes.NewReader(body))
	return err == nil
}

// passOn hands a call to the engine, which goes on with it whatever becomes of the client, and returns when the engine
// has all of it.
func (p *Proxy) passOn(engine http.Handler, r *http.Request, x exchange) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // the client left in the middle of it
	}
	heard, ended := make(chan struct{}), make(chan struct{})
	written := sync.OnceFunc(func() { close(heard) })
	ctx := context.WithValue(p.ctx, exchangeKey{}, x)
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{WroteRequest: func(httptrace.WroteRequestInfo) { written() }})
	own := r.Clone(ctx)
	own.Body = io.NopCloser(bytes.NewReader(body))
	go func() {
		defer close(ended)
		defer func() {
			if p := recover(); p != nil && p != http.ErrAbortHandler {
				panic(p)
			}
		}()
		engine.ServeHTTP(nowhere{}, own)
	}()
	select {
	case <-heard:
	case <-ended:
	}
	p.mu.Lock()
	hook := p.heard
	p.mu.Unlock()
	if hook != nil {
		hook(x.call)
	}
}

// nowhere is where an answer goes that nobody waits for.
type nowhere struct{}

func (nowhere) Header() http.Header         { return http.Header{} }
func (nowhere) Write(p []byte) (int, error) { return len(p), nil }
func (nowhere) WriteHeader(int)             {}

// modify sees the engine's answer before the client does.
func (p *Proxy) modify(response *http.Response) error {
	x := response.Request.Context().Value(exchangeKey{}).(exchange)
	withheld := x.verdict == FailAfter500 || x.verdict == CutAfter
	if withheld && !x.call.endless() && response.StatusCode != http.StatusSwitchingProtocols {
		if _, err := io.Copy(io.Discard, response.Body); err != nil {
			return err
		}
	}
	p.mu.Lock()
	answered := p.answered
	p.mu.Unlock()
	if answered != nil {
		answered(x.call)
	}
	switch {
	case withheld:
		x.leave()
		return errWithheld
	case response.StatusCode == http.StatusSwitchingProtocols: // lasts until both sides have closed it
	case response.Body == http.NoBody:
		x.leave()
	default:
		response.Body = &watchedBody{response.Body, x.leave}
	}
	return nil
}

// watchedBody is an answer's body that tells when the engine has ended it.
type watchedBody struct {
	io.ReadCloser
	ended func()
}

func (b *watchedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err != nil {
		b.ended()
	}
	return n, err
}

// fail ends a call whose answer is withheld, or that the engine did not answer: a client that spoke to it directly
// would see its connection end.
func fail(w http.ResponseWriter, r *http.Request, err error) {
	x := r.Context().Value(exchangeKey{}).(exchange)
	if x.verdict == FailAfter500 && errors.Is(err, errWithheld) {
		answer500(w, x.call, "it was carried out")
		return
	}
	panic(http.ErrAbortHandler)
}
