"""What the adapter uses of ``langchain_core.decisions``, for langchain-core before 1.8.1."""

from types import SimpleNamespace
from typing import Any, Literal

from langchain_core.runnables import RunnableSerializable
from pydantic import BaseModel


class Noul(BaseModel):
    type: Literal["noul"] = "noul"
    instructions: str


class Choice(BaseModel):
    type: Literal["choice"] = "choice"
    instructions: str
    criteria: dict[str, Any]


class NoulAnswer(BaseModel):
    type: Literal["noul"]
    noul: float


class ClassifierResponse(BaseModel):
    model: str
    answers: dict[str, NoulAnswer]

    @property
    def nouls(self) -> dict[str, NoulAnswer]:
        return self.answers


class BaseDecisionModel(RunnableSerializable[Any, Any]):
    model: str

    def invoke(self, input: Any, config: Any = None, **_: Any) -> Any:  # noqa: A002
        return self._classify(input["state"], dict(input["questions"]))

    async def ainvoke(self, input: Any, config: Any = None, **_: Any) -> Any:  # noqa: A002
        return await self._aclassify(input["state"], dict(input["questions"]))

    async def _aclassify(self, state: Any, questions: dict[str, Any]) -> Any:
        return self._classify(state, questions)


module = SimpleNamespace(
    BaseDecisionModel=BaseDecisionModel,
    Choice=Choice,
    ClassifierResponse=ClassifierResponse,
    Noul=Noul,
)
