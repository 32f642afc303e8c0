/**
 * Errors of Quorate as answers of Nest: the statuses and documents of `errorProblem`.
 *
 * Register it for the whole application:
 * `{ provide: APP_FILTER, useClass: QuorateExceptionFilter }`. All other errors are answered as
 * Nest answers them.
 */
import { type ArgumentsHost, Catch, type ExceptionFilter, Inject } from "@nestjs/common";
import { BaseExceptionFilter, HttpAdapterHost } from "@nestjs/core";
import { errorProblem } from "quorate/http";

/** The filter. It answers through the platform's own adapter; in other contexts errors go on. */
export class QuorateExceptionFilter implements ExceptionFilter {
  readonly #platform: HttpAdapterHost;

  /** Made by Nest. */
  constructor(platform: HttpAdapterHost) {
    this.#platform = platform;
  }

  /** Answers for `error`. */
  catch(error: unknown, host: ArgumentsHost): void {
    if (host.getType() !== "http") throw error;
    const { httpAdapter } = this.#platform;
    const problem = errorProblem(error);
    const response: unknown = host.getArgByIndex(1);
    if (problem === undefined || httpAdapter.isHeadersSent(response)) {
      return new BaseExceptionFilter(httpAdapter).catch(error, host);
    }
    for (const [name, value] of Object.entries(problem.headers)) {
      httpAdapter.setHeader(response, name, value);
    }
    httpAdapter.reply(response, problem.body, problem.status);
  }
}

Catch()(QuorateExceptionFilter);
Inject(HttpAdapterHost)(QuorateExceptionFilter, undefined, 0);
